using ScottPlot;
using ScottPlot.TickGenerators;

namespace Halo.Reporting;

/// <summary>Heat map of one model's scores by length and depth; all models share the colours.</summary>
internal static class NeedleChart
{
    /// <summary>The chart of a grid; <paramref name="withYarn"/> leaves room for YaRN factors, so that panels of one task line up.</summary>
    public static Chart Of(NeedleGrid grid, bool withYarn) => new(
        FileName.Of($"needles-{grid.Task}-{grid.Model}"),
        $"{TaskName.Title(grid.Task)}, {Column.Title(grid.Model)}: mean score over depths " + string.Join(", ", grid.Lengths.Select((length, column) => $"{Mean(grid, column)} at {Metric.Tokens(length)}")) + ".",
        theme => Draw(grid, withYarn, theme));

    private static Panel Draw(NeedleGrid grid, bool withYarn, Theme theme)
    {
        int rows = grid.Depths.Count;
        bool ownYarn = grid.Yarn.Any(factor => factor != 1);
        Plot plot = PlotStyle.New(theme, "context length, tokens", withYarn ? 68 : 52);
        plot.HideGrid();
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < grid.Lengths.Count; column++)
            {
                Cell(plot, grid.Scores[row, column], column, rows - 1 - row, theme);
            }
        }

        plot.Axes.Left.TickGenerator = new NumericManual([.. Enumerable.Range(0, rows).Select(row => (double)(rows - 1 - row))], [.. grid.Depths.Select(depth => $"{depth} %")]);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. Enumerable.Range(0, grid.Lengths.Count).Select(column => (double)column)], [.. grid.Lengths.Select((length, column) => Metric.Tokens(length) + YarnLine(grid.Yarn[column], ownYarn))]);
        plot.Axes.SetLimits(-0.5, grid.Lengths.Count - 0.5, -0.5, rows - 0.5);
        string yarn = ownYarn ? "; below the length: its best YaRN factor" : "";
        return new Panel($"{TaskName.Title(grid.Task)}: {Column.Title(grid.Model)}", $"% found by needle depth and length{yarn}", [], [(plot, (rows * 27) + (withYarn ? 76 : 60))]);
    }

    private static void Cell(Plot plot, double score, int column, int row, Theme theme)
    {
        Color color = double.IsNaN(score) ? theme.Empty : theme.Heat(score);
        ScottPlot.Plottables.Rectangle cell = plot.Add.Rectangle(column - 0.48, column + 0.48, row - 0.46, row + 0.46);
        cell.FillColor = color;
        cell.LineWidth = 0;
        ScottPlot.Plottables.Text label = plot.Add.Text(double.IsNaN(score) ? "–" : Math.Round(100 * score).ToString("0", System.Globalization.CultureInfo.InvariantCulture), column, row);
        label.LabelFontColor = double.IsNaN(score) ? theme.Muted : Theme.TextOn(color);
        label.LabelFontSize = 13;
        label.LabelAlignment = Alignment.MiddleCenter;
    }

    private static string YarnLine(double factor, bool withYarn) => !withYarn ? "" : factor == 1 ? "\nnone" : $"\n×{Metric.Factor(factor)}";

    private static string Mean(NeedleGrid grid, int column)
    {
        double[] scores = [.. Enumerable.Range(0, grid.Depths.Count).Select(row => grid.Scores[row, column]).Where(double.IsFinite)];
        return scores.Length == 0 ? "not measured" : Metric.Format("score", scores.Average());
    }
}
