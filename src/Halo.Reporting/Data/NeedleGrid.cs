namespace Halo.Reporting;

/// <summary>Scores of one model in one needle task by length and depth.</summary>
/// <param name="Model">Model name.</param>
/// <param name="Task">Task name.</param>
/// <param name="Lengths">Lengths in tokens, ascending.</param>
/// <param name="Depths">Labels of the depths, 0 % first.</param>
/// <param name="Scores">Score of [depth, length] in [0, 1]; NaN where nothing was measured.</param>
/// <param name="Yarn">Factor by length; 1 is none.</param>
internal sealed record NeedleGrid(string Model, string Task, IReadOnlyList<long> Lengths, IReadOnlyList<string> Depths, double[,] Scores, IReadOnlyList<double> Yarn)
{
    // More rows than this cannot be read on a phone; they are averaged in tenths.
    private const int MostDepths = 11;

    /// <summary>The grids of a task, one a model, all over the same lengths and depths.</summary>
    public static IReadOnlyList<NeedleGrid> Of(Figures figures, string task)
    {
        Figure[] cells = [.. figures.Best.Where(figure => figure.Task == task && figure is { Depth: not null, Length: not null, Position: null })];
        string? metric = cells.Select(cell => cell.Metric).FirstOrDefault(name => name == "score") ?? cells.FirstOrDefault()?.Metric;
        cells = [.. cells.Where(cell => cell.Metric == metric)];
        long[] lengths = [.. cells.Select(cell => cell.Length!.Value).Distinct().Order()];
        double[] depths = [.. cells.Select(cell => cell.Depth!.Value).Distinct().Order()];
        bool inTenths = depths.Length > MostDepths;
        string[] labels = inTenths
            ? [.. Enumerable.Range(0, 10).Select(tenth => $"{10 * tenth}–{(10 * tenth) + 10}")]
            : [.. depths.Select(depth => Math.Round(depth).ToString(System.Globalization.CultureInfo.InvariantCulture))];
        int RowOf(double depth) => inTenths ? Math.Clamp((int)(depth / 10), 0, 9) : Array.IndexOf(depths, depth);

        return [.. Column.Order(cells.Select(cell => cell.Model)).Select(model => Make(model, task, [.. cells.Where(cell => cell.Model == model)], lengths, labels, RowOf))];
    }

    private static NeedleGrid Make(string model, string task, Figure[] cells, long[] lengths, string[] labels, Func<double, int> rowOf)
    {
        var scores = new double[labels.Length, lengths.Length];
        for (int row = 0; row < labels.Length; row++)
        {
            for (int column = 0; column < lengths.Length; column++)
            {
                Figure[] here = [.. cells.Where(cell => cell.Length == lengths[column] && rowOf(cell.Depth!.Value) == row)];
                double items = here.Sum(cell => (double)cell.N);
                scores[row, column] = here.Length == 0 ? double.NaN : items > 0 ? here.Sum(cell => cell.N * cell.Value) / items : here.Average(cell => cell.Value);
            }
        }

        return new NeedleGrid(model, task, lengths, labels, scores, [.. lengths.Select(length => cells.FirstOrDefault(cell => cell.Length == length)?.Yarn ?? 1)]);
    }
}
