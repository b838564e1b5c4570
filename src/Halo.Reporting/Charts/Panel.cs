using ScottPlot;

namespace Halo.Reporting;

/// <summary>One picture: a heading, a legend and plots below one another.</summary>
/// <param name="Title">Heading.</param>
/// <param name="Subtitle">What is shown, in small print; may be empty.</param>
/// <param name="Legend">Legend entries, in one or more lines.</param>
/// <param name="Plots">Plots with their heights in logical pixels, from the top.</param>
internal sealed record Panel(string Title, string Subtitle, IReadOnlyList<LegendEntry> Legend, IReadOnlyList<(Plot Plot, int Height)> Plots)
{
    /// <summary>Width of every panel in logical pixels: narrow, so that its text can be read on a phone.</summary>
    public const int Width = 500;
}
