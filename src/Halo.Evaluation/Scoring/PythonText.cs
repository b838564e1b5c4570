using System.Globalization;
using System.Text;

namespace Halo.Evaluation;

/// <summary>Python's string functions where .NET's differ and a score depends on it.</summary>
internal static class PythonText
{
    /// <summary>str.isspace: .NET's white space and U+001C to U+001F.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';

    /// <summary>Characters of <paramref name="text"/> before its trailing white space (str.rstrip).</summary>
    public static int LengthWithoutTrailingSpace(ReadOnlySpan<char> text)
    {
        int length = text.Length;
        while (length > 0 && IsSpace(text[length - 1]))
        {
            length--;
        }

        return length;
    }

    /// <summary>str.strip.</summary>
    public static string Strip(string text)
    {
        int end = LengthWithoutTrailingSpace(text);
        int start = 0;
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..end];
    }

    /// <summary>str.lower: U+0130 becomes i and a combining dot, a sigma at a word's end the final one, the rest by simple mappings.</summary>
    public static string Lower(string text)
    {
        var result = new StringBuilder(text.Length);
        int place = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case 0x130:
                    result.Append("i\u0307");
                    break;
                case 0x3A3:
                    result.Append(IsFinalSigma(text, place) ? '\u03C2' : '\u03C3');
                    break;
                default:
                    result.Append(Rune.ToLowerInvariant(rune).ToString());
                    break;
            }

            place += rune.Utf16SequenceLength;
        }

        return result.ToString();
    }

    /// <summary>Unicode's Final_Sigma: a cased letter before (case-ignorable ones between), none after.</summary>
    private static bool IsFinalSigma(string text, int place)
    {
        int before = place - 1;
        while (before >= 0 && IsCaseIgnorable(text[before]))
        {
            before--;
        }

        int after = place + 1;
        while (after < text.Length && IsCaseIgnorable(text[after]))
        {
            after++;
        }

        return before >= 0 && IsCased(text[before]) && !(after < text.Length && IsCased(text[after]));
    }

    private static bool IsCased(char character) =>
        char.GetUnicodeCategory(character) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsCaseIgnorable(char character) =>
        character is '\'' or '.' or ':' or '\u00B7' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || char.GetUnicodeCategory(character) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
