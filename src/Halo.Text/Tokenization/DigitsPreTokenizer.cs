using static Halo.Text.Tokenization.CharacterReader;

namespace Halo.Text.Tokenization;

/// <summary>
/// The split of SmolLM2: every numeric character stands alone, and each stretch between them is cut as GPT-2 does:
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. A stretch ends before a digit, so white space there stays together.
/// </summary>
internal sealed class DigitsPreTokenizer : IPreTokenizer
{
    /// <inheritdoc/>
    public int Next(ReadOnlySpan<char> text, int start)
    {
        CharacterKind first = Look(text, start, out int size);
        if (first == CharacterKind.Number)
        {
            return size;
        }

        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is > 0 and int letters)
        {
            return 1 + letters;
        }

        int prefix = text[start] == ' ' ? size : 0;
        CharacterKind kind = prefix > 0 ? Look(text, start + prefix, out _) : first;
        return kind is CharacterKind.Letter or CharacterKind.Other
            ? Run(text, start + prefix, kind) - start
            : WhiteSpace(text, start) - start;
    }

    // Lower case only: the pattern does not fold.
    private static int Contraction(ReadOnlySpan<char> rest) =>
        rest is ['s' or 't' or 'm' or 'd', ..] ? 1
        : rest is ['r', 'e', ..] or ['v', 'e', ..] or ['l', 'l', ..] ? 2
        : 0;

    private static int WhiteSpace(ReadOnlySpan<char> text, int start)
    {
        int end = start;
        int last = start;
        CharacterKind kind;
        while ((kind = Look(text, end, out int size)) is CharacterKind.Space or CharacterKind.LineBreak)
        {
            last = end;
            end += size;
        }

        return kind is CharacterKind.End or CharacterKind.Number || last == start ? end : last;
    }
}
