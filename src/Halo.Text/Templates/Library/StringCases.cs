using System.Globalization;
using System.Text;

namespace Halo.Text.Templates.Library;

/// <summary>Changes of case.</summary>
internal static class StringCases
{
    // Characters whose capital is more than one character, of those that texts hold.
    private static readonly Dictionary<char, string> LongCapitals = new()
    {
        ['ß'] = "SS", ['\u0149'] = "\u02bcN", ['\u01f0'] = "J\u030c", ['\u0587'] = "\u0535\u0552",
        ['\ufb00'] = "FF", ['\ufb01'] = "FI", ['\ufb02'] = "FL", ['\ufb03'] = "FFI", ['\ufb04'] = "FFL", ['\ufb05'] = "ST", ['\ufb06'] = "ST",
    };

    public static string Upper(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (char unit in text.ToUpperInvariant())
        {
            result.Append(LongCapitals.TryGetValue(unit, out string? capitals) ? capitals : unit.ToString());
        }

        return result.ToString();
    }

    public static string Lower(string text)
    {
        StringBuilder result = new StringBuilder(text.ToLowerInvariant()).Replace("\u0130", "i\u0307");
        for (int i = text.IndexOf('Σ', StringComparison.Ordinal); i >= 0 && result.Length == text.Length; i = text.IndexOf('Σ', i + 1))
        {
            // A sigma at the end of a word.
            if (i > 0 && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1])))
            {
                result[i] = 'ς';
            }
        }

        return result.ToString();
    }

    public static string Capital(string text) => PythonCharacters.Map(text, (rune, place) => place == 0 ? Rune.ToUpperInvariant(rune) : Rune.ToLowerInvariant(rune));

    public static string Swapped(string text) => PythonCharacters.Map(text, (rune, _) => Rune.IsUpper(rune) ? Rune.ToLowerInvariant(rune) : Rune.ToUpperInvariant(rune));

    /// <summary>Python's <c>str.title</c>: a letter after anything but a letter is a capital.</summary>
    public static string Title(string text)
    {
        bool within = false;
        return PythonCharacters.Map(text, (rune, _) =>
        {
            Rune result = within ? Rune.ToLowerInvariant(rune) : Rune.ToUpperInvariant(rune);
            within = Rune.IsLetter(rune);
            return result;
        });
    }

    /// <summary>Jinja's filter <c>title</c>: a letter after white space, a dash or an opening bracket is a capital.</summary>
    public static string TitleOfWords(string text)
    {
        bool within = false;
        return PythonCharacters.Map(text, (rune, _) =>
        {
            Rune result = within ? Rune.ToLowerInvariant(rune) : Rune.ToUpperInvariant(rune);
            within = !(Rune.IsWhiteSpace(rune) || rune.Value is '-' or '(' or '{' or '[' or '<');
            return result;
        });
    }

    public static bool IsLower(string text) => HasCase(text, UnicodeCategory.LowercaseLetter, UnicodeCategory.UppercaseLetter);

    public static bool IsUpper(string text) => HasCase(text, UnicodeCategory.UppercaseLetter, UnicodeCategory.LowercaseLetter);

    private static bool HasCase(string text, UnicodeCategory wanted, UnicodeCategory other) =>
        text.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune) == wanted)
        && !text.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune) == other || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter);
}
