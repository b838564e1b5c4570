using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;

namespace Halo.Reporting;

/// <summary>Losses of one stage in two runs over each other, with their relative difference in a strip below.</summary>
internal static class DifferenceChart
{
    // Below this ratio of the largest to the smallest loss a logarithmic axis only hides the figures.
    private const double LogarithmicFrom = 5;

    /// <summary>The chart.</summary>
    /// <param name="difference">The losses.</param>
    /// <param name="first">Name of the first run.</param>
    /// <param name="second">Name of the second run.</param>
    public static Chart Of(LossDifference difference, string first, string second) => new(
        $"compare-{difference.Stage}",
        $"{LossCurve.Title(difference.Stage)}: {first} and {second} from {Metric.Number(difference.First[0])} and {Metric.Number(difference.Second[0])} at step {difference.Steps[0]} to {Metric.Number(difference.First[^1])} and {Metric.Number(difference.Second[^1])} at step {difference.Steps[^1]}; {Greatest(difference)}.",
        theme => Draw(difference, first, second, theme));

    private static string Greatest(LossDifference difference) => string.Create(
        CultureInfo.InvariantCulture,
        $"greatest difference {Percent(difference.Relative[difference.Greatest])} at step {difference.Steps[difference.Greatest]}, mean {Percent(difference.Mean)}");

    private static string Percent(double share) => double.IsFinite(share) ? $"{Metric.Number(100 * share)} %" : "not a number";

    private static Panel Draw(LossDifference difference, string first, string second, Theme theme)
    {
        double[] values = [.. difference.First.Concat(difference.Second).Where(double.IsFinite).DefaultIfEmpty(0)];
        double low = values.Min(), high = values.Max();
        bool logarithmic = low > 0 && high / low >= LogarithmicFrom;
        Plot plot = PlotStyle.New(theme, bottom: 10);

        // The first is wide, the second narrow and above it: where they agree both are seen.
        Line(plot, difference.Steps, difference.First, theme.Series[1].WithAlpha(0.55), 6, logarithmic);
        Line(plot, difference.Steps, difference.Second, theme.Series[0], 1.8f, logarithmic);
        double room = logarithmic ? Math.Pow(high / low, 0.05) : Math.Max((high - low) * 0.06, Math.Max(Math.Abs(high) * 1e-3, 1e-12));
        PlotStyle.Vertical(plot, logarithmic ? low / room : low - room, logarithmic ? high * room : high + room, Metric.Tick, logarithmic);
        PlotStyle.Steps(plot, difference.Steps[0], difference.Steps[^1], false);
        return new Panel(
            LossCurve.Title(difference.Stage),
            LossCurve.LossName(difference.Stage) + (logarithmic ? ", logarithmic" : ""),
            [new(first, theme.Series[1], LegendMark.Line), new(second, theme.Series[0], LegendMark.Line)],
            [(plot, 230), (Strip(difference, theme), 140)]);
    }

    private static Plot Strip(LossDifference difference, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "step", top: 20);
        double[] percents = [.. difference.Relative.Select(share => 100 * share)];
        Line(plot, difference.Steps, percents, theme.Muted, 1.6f, false);
        double high = percents.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double top = high > 0 ? high * 1.45 : 1;
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual([0, high], ["0", $"{Metric.Tick(double.Parse(high.ToString("G2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))} %"]);
        plot.Axes.SetLimitsY(-top * 0.04, top);
        ScottPlot.Plottables.Text name = plot.Add.Text(Greatest(difference), difference.Steps[^1], top);
        name.LabelFontColor = theme.Muted;
        name.LabelFontSize = 13;
        name.LabelAlignment = Alignment.UpperRight;
        PlotStyle.Steps(plot, difference.Steps[0], difference.Steps[^1], true);
        return plot;
    }

    private static void Line(Plot plot, double[] steps, double[] values, Color color, float width, bool logarithmic)
    {
        int[] places = [.. Enumerable.Range(0, steps.Length).Where(place => double.IsFinite(values[place]))];
        Scatter line = plot.Add.Scatter(places.Select(place => steps[place]).ToArray(), places.Select(place => logarithmic ? Math.Log10(values[place]) : values[place]).ToArray());
        line.Color = color;
        line.LineWidth = width;
        line.MarkerSize = 0;
    }
}
