using System.Buffers;

namespace Halo.Text.Tokenization;

/// <summary>Finds added tokens in a text: the leftmost, and of those that begin there the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;
    private readonly SearchValues<char> _firsts;

    public AddedTokenFinder(IEnumerable<AddedToken> tokens)
    {
        _byFirst = tokens.Where(token => token.Content.Length > 0).GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
        _firsts = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>The next token at or after <paramref name="start"/> and its place, or null.</summary>
    public (int Position, AddedToken Token)? Next(string text, int start)
    {
        while (start < text.Length)
        {
            int offset = text.AsSpan(start).IndexOfAny(_firsts);
            if (offset < 0)
            {
                return null;
            }

            start += offset;
            foreach (AddedToken token in _byFirst[text[start]])
            {
                if (string.CompareOrdinal(text, start, token.Content, 0, token.Content.Length) == 0)
                {
                    return (start, token);
                }
            }

            start++;
        }

        return null;
    }
}
