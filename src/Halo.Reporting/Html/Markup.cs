namespace Halo.Reporting;

/// <summary>Small pieces of HTML.</summary>
internal static class Markup
{
    /// <summary>Text with the characters of HTML escaped.</summary>
    public static string Escape(string text) =>
        text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;");

    /// <summary>A sentence in muted print.</summary>
    public static string Note(string text) => $"<p class=\"note\">{Escape(text)}</p>\n";

    /// <summary>A picture in both themes, embedded.</summary>
    public static string Figure(Picture picture) =>
        "<figure><picture>"
        + $"<source media=\"(prefers-color-scheme: dark)\" srcset=\"data:image/png;base64,{Convert.ToBase64String(picture.Dark)}\">"
        + $"<img alt=\"{Escape(picture.Alternative)}\" src=\"data:image/png;base64,{Convert.ToBase64String(picture.Light)}\" loading=\"lazy\">"
        + "</picture></figure>\n";

    /// <summary>Pictures in as many columns as there is room for.</summary>
    public static string Panels(IEnumerable<Picture> pictures) =>
        $"<div class=\"panels\">\n{string.Concat(pictures.Select(Figure))}</div>\n";
}
