namespace Halo.Text.Data;

/// <summary>A document of a corpus.</summary>
/// <param name="Where">File and place, for errors.</param>
/// <param name="Text">Its text.</param>
public sealed record Document(string Where, string Text);
