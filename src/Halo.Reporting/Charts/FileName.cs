namespace Halo.Reporting;

/// <summary>File names of pictures.</summary>
internal static class FileName
{
    /// <summary>Letters, digits, dots, dashes and underscores; all else becomes a dash.</summary>
    public static string Of(string text) =>
        string.Concat(text.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-'));
}
