namespace Halo.Reporting;

/// <summary>A part of the page.</summary>
/// <param name="Id">Anchor.</param>
/// <param name="Title">Heading.</param>
/// <param name="Body">HTML.</param>
internal sealed record Section(string Id, string Title, string Body)
{
    /// <summary>The part with its heading.</summary>
    public string Html => $"<section id=\"{Id}\">\n<h2>{Markup.Escape(Title)}</h2>\n{Body}</section>\n";
}
