namespace Halo.Reporting;

/// <summary>A picture to be drawn in both themes.</summary>
/// <param name="Name">File name without ending.</param>
/// <param name="Alternative">What a reader who cannot see the picture should know.</param>
/// <param name="Draw">Makes the panel in a theme.</param>
internal sealed record Chart(string Name, string Alternative, Func<Theme, Panel> Draw);
