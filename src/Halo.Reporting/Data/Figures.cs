using Halo.Core;

namespace Halo.Reporting;

/// <summary>All measured figures, with the best YaRN factor chosen for each length.</summary>
internal sealed class Figures
{
    private Figures(IReadOnlyList<Figure> all, IReadOnlyList<Figure> best)
    {
        All = all;
        Best = best;
        Models = Column.Order(all.Select(figure => figure.Model));
    }

    /// <summary>Every figure at every YaRN factor.</summary>
    public IReadOnlyList<Figure> All { get; }

    /// <summary>The figures at the factor that is best for the model, task, metric and length.</summary>
    public IReadOnlyList<Figure> Best { get; }

    /// <summary>Measured models in the order of the report.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>True where a model was measured under more than one factor, so that one had to be chosen.</summary>
    public bool ChoseYarn => All.Count > Best.Count;

    /// <summary>Reads the records: where a figure was measured twice, the later one counts; where a needle task has only cells, their mean is its whole.</summary>
    public static Figures Of(IEnumerable<ResultRecord> records)
    {
        var latest = new Dictionary<Figure, Figure>();
        foreach (Figure figure in records.Select(Figure.Of))
        {
            latest[figure with { Value = 0, Stderr = null, N = 0 }] = figure;
        }

        List<Figure> all = [.. latest.Values];
        foreach (IGrouping<Figure, Figure> cells in all.Where(figure => figure.Depth is not null).GroupBy(WholeKey).ToList())
        {
            if (!latest.ContainsKey(cells.Key))
            {
                all.Add(Pool(cells.Key, [.. cells]));
            }
        }

        IEnumerable<Figure> best = all
            .GroupBy(figure => figure with { Depth = null, Position = null, Yarn = 0, Value = 0, Stderr = null, N = 0 })
            .SelectMany(group => group.GroupBy(figure => figure.Yarn).OrderBy(Badness).ThenBy(factor => factor.Key).First());
        return new Figures(all, [.. best]);
    }

    /// <summary>The longest length at which any whole figure of a task was measured; null where none has a length.</summary>
    public long? LongestOf(string task, string metric) =>
        Best.Where(figure => figure.Task == task && figure.Metric == metric && figure.IsWhole).Max(figure => figure.Length);

    private static Figure WholeKey(Figure cell) => cell with { Depth = null, Position = null, Value = 0, Stderr = null, N = 0 };

    // Mean over all items; the errors of independent cells add in squares, weighted by their share of the items.
    private static Figure Pool(Figure key, Figure[] cells)
    {
        int items = cells.Sum(cell => cell.N);
        double Share(Figure cell) => items > 0 ? (double)cell.N / items : 1.0 / cells.Length;
        double? error = cells.All(cell => cell.Stderr is not null) ? Math.Sqrt(cells.Sum(cell => Math.Pow(Share(cell) * cell.Stderr!.Value, 2))) : null;
        return key with { Value = cells.Sum(cell => Share(cell) * cell.Value), Stderr = error, N = items };
    }

    private static double Badness(IGrouping<double, Figure> factor)
    {
        Figure? whole = factor.FirstOrDefault(figure => figure.IsWhole);
        double value = whole?.Value ?? factor.Average(figure => figure.Value);
        double signed = Metric.IsLowerBetter(factor.First().Metric) ? value : -value;
        return double.IsNaN(signed) ? double.PositiveInfinity : signed;
    }
}
