namespace Halo.Reporting;

/// <summary>The losses of one stage in two runs, at the steps that both logged.</summary>
/// <param name="Stage">Stage name.</param>
/// <param name="Steps">Steps, ascending.</param>
/// <param name="First">Losses of the first run.</param>
/// <param name="Second">Losses of the second run.</param>
internal sealed record LossDifference(string Stage, double[] Steps, double[] First, double[] Second)
{
    /// <summary>|first - second| / |first| at each step.</summary>
    public double[] Relative => [.. First.Zip(Second, (one, other) => one == other ? 0 : Math.Abs(one - other) / Math.Max(Math.Abs(one), double.Epsilon))];

    /// <summary>Place of the greatest relative difference; a loss that is no number counts as the greatest.</summary>
    public int Greatest => Enumerable.Range(0, Steps.Length).MaxBy(place => double.IsFinite(Relative[place]) ? Relative[place] : double.PositiveInfinity);

    /// <summary>Mean relative difference.</summary>
    public double Mean => Relative.Average();

    /// <summary>The stages of two runs that share at least two steps, in the order of a conversion.</summary>
    public static IReadOnlyList<LossDifference> Of(RunData first, RunData second)
    {
        IReadOnlyList<LossCurve> others = LossCurve.Of(second.Events);
        return [.. from curve in LossCurve.Of(first.Events)
            join other in others on curve.Stage equals other.Stage
            let pairs = curve.Losses.Join(other.Losses, point => point.Step, point => point.Step, (one, two) => (one.Step, First: one.Value, Second: two.Value)).ToArray()
            where pairs.Length > 1
            select new LossDifference(curve.Stage, [.. pairs.Select(pair => pair.Step)], [.. pairs.Select(pair => pair.First)], [.. pairs.Select(pair => pair.Second)])];
    }
}
