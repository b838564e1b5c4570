namespace Halo.Reporting;

/// <summary>A figure that stands out at the top of the page.</summary>
/// <param name="Value">Large print.</param>
/// <param name="Text">What it says, in a sentence or less.</param>
internal sealed record Fact(string Value, string Text)
{
    /// <summary>The figure as HTML.</summary>
    public string Html => $"<div class=\"fact\"><b>{Markup.Escape(Value)}</b><span>{Markup.Escape(Text)}</span></div>\n";
}
