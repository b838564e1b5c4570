using System.Globalization;
using System.Text;

namespace Halo.Evaluation;

/// <summary>Python's string functions where .NET's differ and a score depends on it.</summary>
internal static class PythonText
{
    /// <summary>Lower-case letters that Python's re takes for another one when case is ignored, each before that one.</summary>
    private const string Equivalents = "\u0131i\u017Fs\u00B5\u03BC\u0345\u03B9\u1FBE\u03B9\u1FD3\u0390\u1FE3\u03B0\u03D0\u03B2\u03F5\u03B5\u03D1\u03B8\u03F0\u03BA\u03D6\u03C0\u03F1\u03C1\u03C2\u03C3\u03D5\u03C6\u1E9B\u1E61\uFB05\uFB06";

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

    /// <summary>str.capitalize: the first letter upper, all the rest lower.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        Rune first = Rune.GetRuneAt(text, 0);
        string upper = first.Value == 'ß' ? "Ss" : Rune.ToUpperInvariant(first).ToString();
        return upper + Lower(text)[Lower(first.ToString()).Length..];
    }

    /// <summary>len: code points, a broken surrogate counting as one.</summary>
    public static int CodePoints(string text)
    {
        int count = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            count -= char.IsSurrogatePair(text[i - 1], text[i]) ? 1 : 0;
        }

        return count;
    }

    /// <summary>UTF-16 place of a code point; the text's length where there are fewer.</summary>
    public static int Offset(string text, int codePoint)
    {
        int place = 0;
        for (; codePoint > 0 && place < text.Length; codePoint--)
        {
            place += place + 1 < text.Length && char.IsSurrogatePair(text[place], text[place + 1]) ? 2 : 1;
        }

        return place;
    }

    /// <summary>re.search(re.escape(value), text, re.IGNORECASE): letters that Python's re takes for equal are made one; nothing becomes longer (ß is not ss).</summary>
    public static bool ContainsIgnoringCase(string text, string value) => Folded(text).Contains(Folded(value), StringComparison.Ordinal);

    private static string Folded(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            Rune lower = rune.Value == 0x130 ? new Rune('i') : Rune.ToLowerInvariant(rune);
            int place = lower.IsBmp ? Equivalents.IndexOf((char)lower.Value, StringComparison.Ordinal) : -1;

            // Pairs: a letter, and the one that stands for it.
            result.Append(place >= 0 && place % 2 == 0 ? Equivalents[place + 1].ToString() : lower.ToString());
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
