namespace Halo.Reporting;

/// <summary>A painted picture.</summary>
/// <param name="Name">File name without ending.</param>
/// <param name="Alternative">Text for readers who cannot see it.</param>
/// <param name="Light">PNG bytes, light.</param>
/// <param name="Dark">PNG bytes, dark.</param>
internal sealed record Picture(string Name, string Alternative, byte[] Light, byte[] Dark)
{
    /// <summary>Paints a chart in both themes.</summary>
    public static Picture Of(Chart chart) => Of(chart.Name, chart.Alternative, [chart], 1);

    /// <summary>Paints several charts into one picture.</summary>
    public static Picture Of(string name, string alternative, IReadOnlyList<Chart> charts, int columns) => new(
        name,
        alternative,
        PanelPainter.Paint([.. charts.Select(chart => chart.Draw(Theme.Light))], Theme.Light, columns),
        PanelPainter.Paint([.. charts.Select(chart => chart.Draw(Theme.Dark))], Theme.Dark, columns));
}
