using static Halo.Text.Tokenization.CharacterReader;

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

    /// <inheritdoc/>
    public int Next(ReadOnlySpan<char> text, int start)
    {
        CharacterKind first = Look(text, start, out int size);
        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is > 0 and int letters)
        {
            return 1 + letters;
        }

        if (first == CharacterKind.Letter)
        {
            return Run(text, start, CharacterKind.Letter) - start;
        }

        if (first == CharacterKind.Number)
        {
            return size;
        }

        CharacterKind second = Look(text, start + size, out _);
        if (first is CharacterKind.Other or CharacterKind.Space && second == CharacterKind.Letter)
        {
            return Run(text, start + size, CharacterKind.Letter) - start;
        }

        if (first == CharacterKind.Other || (text[start] == ' ' && second == CharacterKind.Other))
        {
            int end = Run(text, first == CharacterKind.Other ? start : start + size, CharacterKind.Other);
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
        while (Look(text, end, out int size) is CharacterKind.Space or CharacterKind.LineBreak)
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
}
