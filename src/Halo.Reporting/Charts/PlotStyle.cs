using ScottPlot;
using ScottPlot.TickGenerators;

namespace Halo.Reporting;

/// <summary>The common look of all plots: horizontal rules only, no frame, quiet labels.</summary>
internal static class PlotStyle
{
    private const int LeftPadding = 62;

    /// <summary>An empty plot in the common look.</summary>
    /// <param name="theme">Colours.</param>
    /// <param name="below">Axis label below; empty for none.</param>
    /// <param name="bottom">Padding below the data in logical pixels.</param>
    /// <param name="top">Padding above the data in logical pixels.</param>
    public static Plot New(Theme theme, string below = "", int? bottom = null, int top = 8)
    {
        _ = Typefaces.Instance; // Before the first label takes the default font.
        var plot = new Plot();
        plot.FigureBackground.Color = theme.Paper;
        plot.DataBackground.Color = theme.Paper;
        plot.Axes.Color(theme.Muted);
        plot.Grid.MajorLineColor = theme.Rule;
        plot.Grid.XAxisStyle.MajorLineStyle.Width = 0;
        plot.Layout.Fixed(new PixelPadding(LeftPadding, 18, bottom ?? (below.Length > 0 ? 52 : 30), top));
        foreach (IAxis axis in plot.Axes.GetAxes())
        {
            axis.FrameLineStyle.Width = 0;
            axis.TickLabelStyle.FontSize = 13;
            axis.MajorTickStyle.Length = 0;
            axis.MinorTickStyle.Length = 0;
            axis.Label.Bold = false;
            axis.Label.FontSize = 13;
        }

        plot.Axes.Bottom.Label.Text = below;
        return plot;
    }

    /// <summary>Limits and ticks of the vertical axis; on a logarithmic axis values are given as log10.</summary>
    public static void Vertical(Plot plot, double low, double high, Func<double, string> format, bool logarithmic)
    {
        double[] ticks = logarithmic ? NiceTicks.Logarithmic(low, high) : NiceTicks.Linear(low, high, 6);
        double Place(double value) => logarithmic ? Math.Log10(value) : value;
        plot.Axes.Left.TickGenerator = new NumericManual([.. ticks.Select(Place)], [.. ticks.Select(format)]);
        plot.Axes.SetLimitsY(Place(low), Place(high));
    }

    /// <summary>Limits and ticks of a horizontal axis of steps.</summary>
    public static void Steps(Plot plot, double low, double high, bool labels)
    {
        double[] ticks = [.. NiceTicks.Linear(low, high, 6).Where(tick => tick >= low && tick <= high)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(ticks, [.. ticks.Select(tick => labels ? Metric.Tick(tick) : "")]);
        double room = Math.Max(high - low, 1) * 0.015;
        plot.Axes.SetLimitsX(low - room, high + room);
    }

    /// <summary>Limits and ticks of a horizontal axis of token counts, logarithmic to base 2; labels that would touch are left out.</summary>
    public static void TokensBase2(Plot plot, IEnumerable<long> tokens, int most = 9)
    {
        long[] places = [.. tokens.Distinct().Order()];
        int every = (places.Length + most - 1) / most;
        // Counted from the last, which matters most.
        long[] labelled = [.. places.Where((_, index) => (places.Length - 1 - index) % every == 0)];
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. labelled.Select(place => Math.Log2(place))], [.. labelled.Select(Metric.Tokens)]);
        double low = Math.Log2(places[0]), high = Math.Log2(places[^1]);
        double room = Math.Max((high - low) * 0.03, 0.25);
        plot.Axes.SetLimitsX(low - room, high + room);
    }
}
