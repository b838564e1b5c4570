namespace Halo.Evaluation;

/// <summary>Means and their standard errors.</summary>
public static class Statistics
{
    /// <summary>Mean and sample standard deviation / sqrt(n); no standard error for fewer than two values.</summary>
    public static (double Mean, double? Stderr) Mean(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
        {
            throw new ArgumentException("no values", nameof(values));
        }

        double mean = values.Sum() / values.Count;
        if (values.Count == 1)
        {
            return (mean, null);
        }

        double variance = values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1);
        return (mean, Math.Sqrt(variance / values.Count));
    }

    /// <summary>exp(-mean log-likelihood) and its standard error by the delta method: perplexity * standard error of the mean.</summary>
    public static (double Perplexity, double? Stderr) Perplexity(IReadOnlyList<double> logLikelihoods)
    {
        (double mean, double? stderr) = Mean(logLikelihoods);
        double perplexity = Math.Exp(-mean);
        return (perplexity, perplexity * stderr);
    }
}
