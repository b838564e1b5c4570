using ScottPlot;
using ScottPlot.TickGenerators;

namespace Halo.Reporting;

/// <summary>Layer importance as bars with the chosen layers marked, and the recall and commonsense behind it.</summary>
internal static class LayerChart
{
    // A score with a denominator near epsilon may be a thousand times the others; it is cut off and its figure written on.
    private const double OutlierFactor = 8;

    /// <summary>Bars of s_i.</summary>
    public static Chart Importance(LayerSelection selection) => new(
        "layer-importance",
        $"Importance of {selection.Scores.Count} layers by method {selection.Method}; kept as attention: {string.Join(", ", selection.Layers.Order())}.",
        theme => DrawImportance(selection, theme));

    /// <summary>R(i) and C(i) by layer.</summary>
    public static Chart Behind(LayerSelection selection) => new(
        "layer-scores",
        "Recall and commonsense scores of the teacher with only that layer replaced.",
        theme => DrawBehind(selection, theme));

    /// <summary>How well each layer's linear form copies the attention layer, at the end of stage 1; chosen layers are marked where a selection is known.</summary>
    public static Chart Errors(LossCurve curve, LayerSelection? selection) => new(
        $"layer-errors-{curve.Stage}",
        $"Error of each layer's output relative to its variance: from {Metric.Number(curve.LayerErrors.Min())} to {Metric.Number(curve.LayerErrors.Max())}.",
        theme => DrawErrors(curve.LayerErrors, TrainedLayers(selection).Take(curve.LayerErrors.Count).ToArray(), selection?.Layers ?? new HashSet<int>(), theme));

    /// <summary>Top of the axis: the largest score that is no outlier.</summary>
    internal static double Cut(IEnumerable<double> scores)
    {
        double[] positive = [.. scores.Where(score => score > 0).Order()];
        if (positive.Length == 0)
        {
            return 1;
        }

        // The upper quartile is the yardstick: half of all layers may matter little.
        double usual = positive[(int)(0.75 * (positive.Length - 1))] * OutlierFactor;
        return positive.Last(score => score <= usual || score == positive[0]);
    }

    private static Panel DrawImportance(LayerSelection selection, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "layer");
        double largest = selection.Scores.Values.Max(), lowest = Math.Min(0, selection.Scores.Values.Min());
        double cut = Cut(selection.Scores.Values);
        bool isCut = largest > cut;
        double top = isCut ? cut * 1.25 : Math.Max(cut, largest);
        foreach ((int layer, double score) in selection.Scores)
        {
            double height = Math.Min(score, top);
            ScottPlot.Plottables.Rectangle bar = plot.Add.Rectangle(layer - 0.38, layer + 0.38, Math.Min(0, height), Math.Max(0, height));
            bar.FillColor = selection.Layers.Contains(layer) ? theme.Series[1] : theme.Quiet;
            bar.LineWidth = 0;
            if (score > top)
            {
                Label(plot, Metric.Number(score), layer, top, theme.Ink, Alignment.LowerCenter);
                ScottPlot.Plottables.Rectangle gap = plot.Add.Rectangle(layer - 0.5, layer + 0.5, top * 0.90, top * 0.93);
                gap.FillColor = theme.Paper;
                gap.LineWidth = 0;
            }
        }

        PlotStyle.Vertical(plot, lowest, top * 1.12, Metric.Tick, false);
        Layers(plot, selection.Scores.Keys, selection.Layers);
        return new Panel(
            "Layer importance",
            $"method {selection.Method}" + (isCut ? "; bars with a gap are cut off, their score stands above" : ""),
            [new($"kept as attention: {string.Join(", ", selection.Layers.Order())}", theme.Series[1], LegendMark.Square), new("becomes linear", theme.Quiet, LegendMark.Square)],
            [(plot, 270)]);
    }

    // Without a sweep only the layers that become linear are trained, and only they have errors.
    internal static IEnumerable<int> TrainedLayers(LayerSelection? selection) =>
        Enumerable.Range(0, int.MaxValue).Where(layer => selection is not { Scores.Count: 0 } || !selection.Layers.Contains(layer));

    private static Panel DrawErrors(IReadOnlyList<double> errors, int[] layers, IReadOnlySet<int> chosen, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "layer");
        foreach ((int layer, double error) in layers.Zip(errors))
        {
            ScottPlot.Plottables.Rectangle bar = plot.Add.Rectangle(layer - 0.38, layer + 0.38, 0, error);
            bar.FillColor = chosen.Contains(layer) ? theme.Quiet : theme.Series[1];
            bar.LineWidth = 0;
        }

        PlotStyle.Vertical(plot, 0, Math.Max(errors.Max() * 1.1, 1e-9), Metric.Tick, false);
        Layers(plot, layers, chosen);
        LegendEntry[] legend = layers.Any(chosen.Contains) ? [new("becomes linear", theme.Series[1], LegendMark.Square), new("kept as attention", theme.Quiet, LegendMark.Square)] : [];
        return new Panel("Stage 1: error by layer", "squared error of the layer's output over its variance", legend, [(plot, 260)]);
    }

    private static Panel DrawBehind(LayerSelection selection, Theme theme)
    {
        Plot plot = PlotStyle.New(theme, "layer replaced");
        var legend = new List<LegendEntry>();
        var values = new List<double>();
        foreach ((IReadOnlyDictionary<int, double> scores, string name, Color color) in new[] { (selection.Recall, "recall R", theme.Series[1]), (selection.Commonsense, "commonsense C", theme.Series[0]) })
        {
            if (scores.Count > 0)
            {
                ScottPlot.Plottables.Scatter line = plot.Add.Scatter(scores.Keys.Select(layer => (double)layer).ToArray(), scores.Values.ToArray());
                line.Color = color;
                line.LineWidth = 2;
                line.MarkerSize = 7;
                line.MarkerShape = MarkerShape.FilledCircle;
                legend.Add(new LegendEntry(name, color, LegendMark.Line));
                values.AddRange(scores.Values);
            }
        }

        double low = values.Min(), high = values.Max(), room = Math.Max((high - low) * 0.08, 0.01);
        PlotStyle.Vertical(plot, low - room, high + room, Metric.PercentTick, false);
        Layers(plot, selection.Recall.Keys.Concat(selection.Commonsense.Keys).Distinct(), selection.Layers);
        return new Panel("What each layer is worth", "the teacher with only that layer replaced", legend, [(plot, 270)]);
    }

    private static void Layers(Plot plot, IEnumerable<int> layers, IReadOnlySet<int> chosen)
    {
        int[] all = [.. layers.Order()];
        int every = (all.Length + 15) / 16;
        // Chosen layers are read off the legend and the colours; the axis keeps an even rhythm.
        int[] shown = [.. all.Where(layer => layer % every == 0)];
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. shown.Select(layer => (double)layer)], [.. shown.Select(layer => layer.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimitsX(all[0] - 0.8, all[^1] + 0.8);
    }

    private static void Label(Plot plot, string text, double x, double y, Color color, Alignment alignment)
    {
        ScottPlot.Plottables.Text label = plot.Add.Text(text, x, y);
        label.LabelFontColor = color;
        label.LabelFontSize = 12;
        label.LabelAlignment = alignment;
    }
}
