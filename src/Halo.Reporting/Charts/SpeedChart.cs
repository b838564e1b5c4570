using ScottPlot;
using ScottPlot.Plottables;

namespace Halo.Reporting;

/// <summary>A figure of inference by context length, one line a series, from zero or logarithmic.</summary>
internal static class SpeedChart
{
    // Above this ratio of the largest to the smallest value only a logarithmic axis shows all of them.
    private const double LogarithmicFrom = 8;

    /// <summary>The chart; series are drawn in the given order with colours of the theme's series.</summary>
    /// <param name="name">File name without ending.</param>
    /// <param name="title">Heading.</param>
    /// <param name="subtitle">What is shown, with its unit.</param>
    /// <param name="series">Name, place among the theme's series, and points (context, value).</param>
    public static Chart Of(string name, string title, string subtitle, IReadOnlyList<(string Name, int Color, (long Context, double Value)[] Points)> series) => new(
        name,
        $"{title}: " + string.Join("; ", series.Select(one => $"{one.Name} from {Metric.Number(one.Points[0].Value)} at {Metric.Tokens(one.Points[0].Context)} to {Metric.Number(one.Points[^1].Value)} at {Metric.Tokens(one.Points[^1].Context)}")) + ".",
        theme => Draw(title, subtitle, series, theme));

    private static Panel Draw(string title, string subtitle, IReadOnlyList<(string Name, int Color, (long Context, double Value)[] Points)> series, Theme theme)
    {
        double[] values = [.. series.SelectMany(one => one.Points.Select(point => point.Value))];
        double low = values.Min(), high = values.Max();
        bool logarithmic = low > 0 && high / low >= LogarithmicFrom;
        Plot plot = PlotStyle.New(theme, "context length, tokens");
        foreach ((_, int color, (long Context, double Value)[] points) in series)
        {
            Scatter line = plot.Add.Scatter(points.Select(point => Math.Log2(point.Context)).ToArray(), points.Select(point => logarithmic ? Math.Log10(point.Value) : point.Value).ToArray());
            line.Color = theme.Series[color];
            line.LineWidth = 2.4f;
            line.MarkerSize = 7;
            line.MarkerShape = MarkerShape.FilledCircle;
        }

        double room = logarithmic ? Math.Pow(high / low, 0.06) : Math.Max(high * 0.08, 1e-9);
        PlotStyle.Vertical(plot, logarithmic ? low / room : 0, logarithmic ? high * room : high + room, Metric.Tick, logarithmic);
        PlotStyle.TokensBase2(plot, series.SelectMany(one => one.Points.Select(point => point.Context)));
        return new Panel(title, subtitle + (logarithmic ? ", logarithmic" : ""), [.. series.Select(one => new LegendEntry(one.Name, theme.Series[one.Color], LegendMark.Line))], [(plot, 290)]);
    }
}
