using System.Globalization;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>
/// The split of Qwen2 and Qwen3, by code point:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// A regex over UTF-16 would take characters above U+FFFF apart.
/// </summary>
internal sealed class QwenPreTokenizer : IPreTokenizer
{
    /// <summary>The pattern in tokenizer.json.</summary>
    public const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum Kind : byte
    {
        Other,
        Letter,
        Number,
        Space,
        LineBreak,
        End,
    }

    /// <inheritdoc/>
    public int Next(ReadOnlySpan<char> text, int start)
    {
        Kind first = Look(text, start, out int size);
        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is > 0 and int letters)
        {
            return 1 + letters;
        }

        if (first == Kind.Letter)
        {
            return Run(text, start, Kind.Letter) - start;
        }

        if (first == Kind.Number)
        {
            return size;
        }

        Kind second = Look(text, start + size, out _);
        if (first is Kind.Other or Kind.Space && second == Kind.Letter)
        {
            return Run(text, start + size, Kind.Letter) - start;
        }

        if (first == Kind.Other || (text[start] == ' ' && second == Kind.Other))
        {
            int end = Run(text, first == Kind.Other ? start : start + size, Kind.Other);
            while (end < text.Length && text[end] is '\r' or '\n')
            {
                end++;
            }

            return end - start;
        }

        return WhiteSpace(text, start) - start;
    }

    private static int WhiteSpace(ReadOnlySpan<char> text, int start)
    {
        int end = start;
        int lineBreakEnd = -1;
        int lastSize = 0;
        while (Look(text, end, out int size) is Kind.Space or Kind.LineBreak)
        {
            lastSize = size;
            end += size;
            if (text[end - 1] is '\r' or '\n')
            {
                lineBreakEnd = end;
            }
        }

        if (lineBreakEnd > 0)
        {
            return lineBreakEnd;
        }

        return end == text.Length || end - lastSize == start ? end : end - lastSize;
    }

    private static int Run(ReadOnlySpan<char> text, int position, Kind kind)
    {
        while (Look(text, position, out int size) == kind)
        {
            position += size;
        }

        return position;
    }

    private static int Contraction(ReadOnlySpan<char> rest)
    {
        char first = rest.Length > 0 ? Fold(rest[0]) : '\0';
        if (first is 's' or 't' or 'm' or 'd')
        {
            return 1;
        }

        char second = rest.Length > 1 ? Fold(rest[1]) : '\0';
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 2 : 0;
    }

    // U+017F, the long s, folds to s.
    private static char Fold(char letter) => letter is >= 'A' and <= 'Z' ? (char)(letter | 0x20) : letter == '\u017f' ? 's' : letter;

    private static Kind Look(ReadOnlySpan<char> text, int position, out int size)
    {
        size = 1;
        if (position >= text.Length)
        {
            return Kind.End;
        }

        char unit = text[position];
        if (char.IsAscii(unit))
        {
            return char.IsAsciiLetter(unit) ? Kind.Letter
                : char.IsAsciiDigit(unit) ? Kind.Number
                : unit is '\r' or '\n' ? Kind.LineBreak
                : char.IsWhiteSpace(unit) ? Kind.Space
                : Kind.Other;
        }

        Rune.DecodeFromUtf16(text[position..], out Rune rune, out size);
        if (Rune.IsWhiteSpace(rune))
        {
            return Kind.Space;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
