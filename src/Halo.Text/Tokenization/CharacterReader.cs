using System.Globalization;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>Reads a text by code point, above U+FFFF too, and tells the kind of each.</summary>
internal static class CharacterReader
{
    /// <summary>The end of the run of <paramref name="kind"/> that begins at <paramref name="position"/>.</summary>
    public static int Run(ReadOnlySpan<char> text, int position, CharacterKind kind)
    {
        while (Look(text, position, out int size) == kind)
        {
            position += size;
        }

        return position;
    }

    /// <summary>Kind and size in UTF-16 units of the code point at <paramref name="position"/>.</summary>
    public static CharacterKind Look(ReadOnlySpan<char> text, int position, out int size)
    {
        size = 1;
        if (position >= text.Length)
        {
            return CharacterKind.End;
        }

        char unit = text[position];
        if (char.IsAscii(unit))
        {
            return char.IsAsciiLetter(unit) ? CharacterKind.Letter
                : char.IsAsciiDigit(unit) ? CharacterKind.Number
                : unit is '\r' or '\n' ? CharacterKind.LineBreak
                : char.IsWhiteSpace(unit) ? CharacterKind.Space
                : CharacterKind.Other;
        }

        Rune.DecodeFromUtf16(text[position..], out Rune rune, out size);
        if (Rune.IsWhiteSpace(rune))
        {
            return CharacterKind.Space;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => CharacterKind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterKind.Number,
            _ => CharacterKind.Other,
        };
    }
}
