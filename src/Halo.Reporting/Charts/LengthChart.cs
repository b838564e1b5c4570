using ScottPlot;
using ScottPlot.Plottables;

namespace Halo.Reporting;

/// <summary>A figure by context length or by position in the context, one line a model.</summary>
internal static class LengthChart
{
    // Lines of other models may rise to this many times the highest figure of teacher and student before they leave the picture.
    private const double RoomForOthers = 1.3;

    /// <summary>A figure of whole tasks by length; null where fewer than two lengths were measured.</summary>
    public static Chart? ByLength(Figures figures, string task, string variant, string metric)
    {
        bool Fits(Figure figure) => figure.Task == task && figure.Variant == variant && figure.Metric == metric && figure is { IsWhole: true, Length: > 0 } && double.IsFinite(figure.Value);
        Figure[] best = [.. figures.Best.Where(Fits)];
        if (best.Select(figure => figure.Length).Distinct().Count() < 2)
        {
            return null;
        }

        // What the teacher does as it was trained stands beside its best, where they differ.
        Figure[] plain = [.. figures.All.Where(figure => Fits(figure) && figure.Model == Column.Teacher && figure.Yarn == 1)];
        bool withPlain = best.Any(figure => figure is { Model: Column.Teacher, Yarn: not 1 }) && plain.Length > 0;
        string title = TaskName.Title(task);
        string what = (task == metric ? "by context length" : $"{Metric.Title(metric)} by context length") + Of(variant);
        return new Chart(
            FileName.Of($"length-{task}-{metric}{(variant.Length > 0 ? "-" : "")}{variant}"),
            $"{title}: {what}.",
            theme => Draw(title, what, best, withPlain ? plain : [], figure => figure.Length!.Value, figures.Models, metric, "context length, tokens", theme));
    }

    /// <summary>A figure by position in the context at one length; null where nothing has positions.</summary>
    public static Chart? ByPosition(Figures figures, string task, string variant, string metric, long? length)
    {
        Figure[] best = [.. figures.Best.Where(figure => figure.Task == task && figure.Variant == variant && figure.Metric == metric && figure.Length == length && figure.Position > 0 && double.IsFinite(figure.Value))];
        if (best.Select(figure => figure.Position).Distinct().Count() < 2)
        {
            return null;
        }

        string title = $"{TaskName.Title(task)} by position";
        string what = "in buckets that end at each position" + (length is null ? "" : $", contexts of {Metric.Tokens(length.Value)}") + Of(variant);
        return new Chart(
            FileName.Of($"position-{task}-{metric}{(variant.Length > 0 ? "-" : "")}{variant}-{length}"),
            $"{title}: {what}.",
            theme => Draw(title, what, best, [], figure => figure.Position!.Value, figures.Models, metric, "position, tokens", theme));
    }

    private static Panel Draw(string title, string what, Figure[] best, Figure[] plain, Func<Figure, long> place, IReadOnlyList<string> models, string metric, string below, Theme theme)
    {
        Figure[] all = [.. best, .. plain];
        bool share = Metric.IsShare(metric);
        double low = share ? 0 : all.Min(figure => figure.Value), high = share ? 1 : all.Max(figure => figure.Value);
        double largest = high;
        if (!share && best.Where(figure => figure.Model is Column.Teacher or Column.Student).ToArray() is { Length: > 0 } judged)
        {
            // A model that has broken down would press the lines that are compared into one.
            high = Math.Min(high, judged.Max(figure => figure.Value) * RoomForOthers);
        }

        bool logarithmic = !share && low > 0 && high / low >= 5;
        Plot plot = PlotStyle.New(theme, below);
        var legend = new List<LegendEntry>();
        if (plain.Length > 0)
        {
            Line(plot, plain, place, theme.Of(Column.Teacher, models).WithAlpha(0.75), logarithmic, dashed: true);
        }

        foreach (string model in Column.Order(best.Select(figure => figure.Model)))
        {
            bool yarn = model == Column.Teacher && best.Any(figure => figure.Model == model && figure.Yarn != 1);
            Line(plot, [.. best.Where(figure => figure.Model == model)], place, theme.Of(model, models), logarithmic, dashed: false);
            legend.Add(new LegendEntry(Column.Title(model) + (yarn ? ", best YaRN factor" : "") + Leaves(best.Where(figure => figure.Model == model), high), theme.Of(model, models), LegendMark.Line));
            if (yarn && plain.Length > 0)
            {
                legend.Add(new LegendEntry("Teacher, no YaRN" + Leaves(plain, high), theme.Of(model, models).WithAlpha(0.75), LegendMark.Dashed));
            }
        }

        double room = share ? 0.04 : logarithmic ? Math.Pow(high / low, 0.06) : Math.Max((high - low) * 0.08, Math.Abs(high) * 1e-3);
        PlotStyle.Vertical(plot, logarithmic ? low / room : low - room, logarithmic ? high * room : high + room, share ? Metric.PercentTick : Metric.Tick, logarithmic);
        PlotStyle.TokensBase2(plot, all.Select(place));
        return new Panel(title, what + (logarithmic ? ", logarithmic" : "") + (share && all.Any(figure => figure.Stderr > 0) ? "; bars: 95 % interval" : "") + (largest > high ? "; what lies higher is cut off" : ""), legend, [(plot, 290)]);
    }

    private static string Of(string variant) => variant.Length > 0 ? $", {variant}" : "";

    // Says how high a line goes that the picture cuts off.
    private static string Leaves(IEnumerable<Figure> figures, double high)
    {
        double[] values = [.. figures.Select(figure => figure.Value)];
        return values.Min() > high ? $" (above, from {Metric.Tick(Rounded(values.Min()))})" : values.Max() > high ? $" (up to {Metric.Tick(Rounded(values.Max()))})" : "";
    }

    private static double Rounded(double value) => Math.Round(value, value >= 100 ? 0 : 1);

    private static void Line(Plot plot, Figure[] figures, Func<Figure, long> place, Color color, bool logarithmic, bool dashed)
    {
        Figure[] sorted = [.. figures.OrderBy(place)];
        double Height(double value) => logarithmic ? Math.Log10(value) : value;
        double[] xs = [.. sorted.Select(figure => Math.Log2(place(figure)))];
        if (Metric.IsShare(sorted[0].Metric) && !dashed)
        {
            Intervals(plot, sorted, xs, color);
        }

        Scatter line = plot.Add.Scatter(xs, sorted.Select(figure => Height(figure.Value)).ToArray());
        line.Color = color;
        line.LineWidth = dashed ? 1.8f : 2.4f;
        line.LinePattern = dashed ? LinePattern.Dashed : LinePattern.Solid;
        line.MarkerSize = dashed ? 5 : sorted.Length <= 24 ? 7 : 0;
        line.MarkerShape = MarkerShape.FilledCircle;
    }

    private static void Intervals(Plot plot, Figure[] sorted, double[] xs, Color color)
    {
        for (int index = 0; index < sorted.Length; index++)
        {
            if (sorted[index].Stderr is { } error and > 0)
            {
                double low = Math.Max(0, sorted[index].Value - (1.96 * error)), high = Math.Min(1, sorted[index].Value + (1.96 * error));
                LinePlot bar = plot.Add.Line(xs[index], low, xs[index], high);
                bar.Color = color.WithAlpha(0.45);
                bar.LineWidth = 1.6f;
                bar.MarkerSize = 0;
            }
        }
    }
}
