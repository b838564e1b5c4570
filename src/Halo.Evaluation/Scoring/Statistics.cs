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

    /// <summary>Mean of several groups weighted by size, and their pooled standard error: sqrt(sum((n - 1) n se^2) / (sum(n) - groups) / sum(n)); none where a group has none.</summary>
    public static (double Mean, double? Stderr) Pooled(IReadOnlyList<(double Mean, double? Stderr, int Size)> groups)
    {
        double total = groups.Sum(group => (double)group.Size);
        double mean = groups.Sum(group => group.Mean * group.Size) / total;
        double? sum = groups.Aggregate((double?)0, (before, group) => before + ((group.Size - 1.0) * group.Size * group.Stderr * group.Stderr));
        return (mean, sum is { } pooled ? Math.Sqrt(pooled / (total - groups.Count) / total) : null);
    }

    /// <summary>exp(-sum / words), exp(-sum / bytes) and -sum / bytes / ln 2. They have no standard error.</summary>
    public static (double WordPerplexity, double BytePerplexity, double BitsPerByte) Rolling(double logLikelihood, double words, double bytes) =>
        (Math.Exp(-logLikelihood / words), Math.Exp(-logLikelihood / bytes), -logLikelihood / bytes / Math.Log(2));

    /// <summary>Place of the greatest value, the lowest of equal ones.</summary>
    public static int Best(IReadOnlyList<double> values)
    {
        int best = 0;
        for (int i = 1; i < values.Count; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }
}
