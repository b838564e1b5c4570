using ScottPlot;
using ScottPlot.Plottables;

namespace Halo.Reporting;

/// <summary>Loss of a stage by step, with the learning rate in a strip below.</summary>
internal static class LossChart
{
    // Below this ratio of the largest to the smallest loss a logarithmic axis only hides the figures.
    private const double LogarithmicFrom = 5;

    /// <summary>The chart of a stage's losses.</summary>
    public static Chart Of(LossCurve curve) => new(
        $"loss-{curve.Stage}",
        $"{LossCurve.Title(curve.Stage)}: loss from {Metric.Number(curve.Losses[0].Value)} at step {curve.Losses[0].Step} to {Metric.Number(curve.Losses[^1].Value)} at step {curve.Losses[^1].Step}.",
        theme => Draw(curve, theme));

    /// <summary>Charts of what was measured between the steps; held-out losses stand in the loss chart.</summary>
    public static IEnumerable<Chart> Probes(LossCurve curve) => curve.Probes.Where(probe => probe.Key != "loss" || curve.Losses.Length == 0).Select(probe => new Chart(
        $"probe-{curve.Stage}-{probe.Key}",
        $"{LossCurve.Title(curve.Stage)}: {Metric.Title(probe.Key)} from {Metric.Number(probe.Value[0].Value)} to {Metric.Number(probe.Value[^1].Value)}.",
        theme => DrawProbe(curve, probe.Key, probe.Value, theme)));

    private static Panel Draw(LossCurve curve, Theme theme)
    {
        bool withRate = curve.Rates.Length > 0;
        (double Step, double Value)[] raw = Smoothing.Thin(curve.Losses, 900);
        (double Step, double Value)[] smooth = Smoothing.Centre(raw, Math.Clamp(raw.Length / 30, 0, 20));
        double low = raw.Min(point => point.Value), high = raw.Max(point => point.Value);
        bool logarithmic = low > 0 && high / low >= LogarithmicFrom;

        Plot plot = PlotStyle.New(theme, withRate ? "" : "step", withRate ? 10 : null);
        Scatter faint = Line(plot, raw, theme.Series[1].WithAlpha(0.28), 1.2f, logarithmic);
        faint.IsVisible = raw.Length > 30;
        Line(plot, smooth, theme.Series[1], 2.4f, logarithmic);
        (double Step, double Value)[] held = curve.Probes.GetValueOrDefault("loss") ?? [];
        if (held.Length > 0)
        {
            Scatter dots = Line(plot, held, theme.Series[0], 0, logarithmic);
            dots.MarkerSize = 8;
            dots.MarkerShape = MarkerShape.FilledCircle;
            low = Math.Min(low, held.Min(point => point.Value));
            high = Math.Max(high, held.Max(point => point.Value));
        }

        double room = logarithmic ? Math.Pow(high / low, 0.05) : Math.Max((high - low) * 0.06, Math.Abs(high) * 1e-3);
        PlotStyle.Vertical(plot, logarithmic ? low / room : low - room, logarithmic ? high * room : high + room, Metric.Tick, logarithmic);
        (double first, double last) = (curve.Losses[0].Step, curve.Losses[^1].Step);
        PlotStyle.Steps(plot, first, last, !withRate);

        List<LegendEntry> legend = held.Length > 0 ? [new("training", theme.Series[1], LegendMark.Line), new("held out", theme.Series[0], LegendMark.Square)] : [];
        string subtitle = LossCurve.LossName(curve.Stage) + (logarithmic ? ", logarithmic" : "");
        return new Panel(LossCurve.Title(curve.Stage), subtitle, legend, withRate ? [(plot, 230), (Rate(curve.Rates, first, last, theme), 126)] : [(plot, 290)]);
    }

    private static Plot Rate((double Step, double Value)[] rates, double first, double last, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "step", top: 16);
        Line(plot, Smoothing.Thin(rates, 600), theme.Muted, 2, false);
        double high = rates.Max(point => point.Value);
        double top = high > 0 ? high * 1.5 : 1;
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual([0, high], ["0", Metric.Tick(high)]);
        plot.Axes.SetLimitsY(-top * 0.04, top);
        ScottPlot.Plottables.Text name = plot.Add.Text("learning rate", last, top);
        name.LabelFontColor = theme.Muted;
        name.LabelFontSize = 13;
        name.LabelAlignment = Alignment.UpperRight;
        PlotStyle.Steps(plot, first, last, true);
        return plot;
    }

    private static Panel DrawProbe(LossCurve curve, string name, (double Step, double Value)[] points, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "step");
        bool share = Metric.IsShare(name) && points.All(point => point.Value is >= 0 and <= 1);
        double low = share ? 0 : points.Min(point => point.Value), high = share ? 1 : points.Max(point => point.Value);
        bool logarithmic = !share && low > 0 && high / low >= LogarithmicFrom;
        Scatter line = Line(plot, points, theme.Series[1], 2.4f, logarithmic);
        line.MarkerSize = points.Length <= 40 ? 7 : 0;
        line.MarkerShape = MarkerShape.FilledCircle;
        double room = logarithmic ? Math.Pow(high / low, 0.05) : Math.Max((high - low) * 0.06, 1e-6);
        PlotStyle.Vertical(plot, logarithmic ? low / room : low - room, logarithmic ? high * room : high + room, share ? Metric.PercentTick : Metric.Tick, logarithmic);
        PlotStyle.Steps(plot, points[0].Step, points[^1].Step, true);
        return new Panel($"{LossCurve.Title(curve.Stage).Split(':')[0]}: {Metric.Title(name)}", "measured between the steps" + (logarithmic ? ", logarithmic" : ""), [], [(plot, 260)]);
    }

    private static Scatter Line(Plot plot, (double Step, double Value)[] points, Color color, float width, bool logarithmic)
    {
        Scatter line = plot.Add.Scatter(points.Select(point => point.Step).ToArray(), points.Select(point => logarithmic ? Math.Log10(point.Value) : point.Value).ToArray());
        line.Color = color;
        line.LineWidth = width;
        line.MarkerSize = 0;
        return line;
    }
}
