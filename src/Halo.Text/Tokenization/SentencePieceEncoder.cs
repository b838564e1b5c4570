using System.Globalization;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>
/// BPE as Llama's SentencePiece models have it: spaces become U+2581, one is put in front where the normalizer says so, BPE runs over the characters of
/// the whole stretch, and a character that the vocabulary lacks becomes its bytes' tokens &lt;0xNN&gt;.
/// </summary>
/// <param name="vocabulary">Entries by text.</param>
/// <param name="pairs">The merges.</param>
/// <param name="prefix">Whether a space is put in front of each stretch.</param>
/// <param name="unknown">Id of what is neither in the vocabulary nor made of its bytes; null: it vanishes.</param>
internal sealed class SentencePieceEncoder(Dictionary<string, int> vocabulary, BytePairEncoder pairs, bool prefix, int? unknown) : IStretchEncoder
{
    /// <summary>The sign for a space.</summary>
    public const char Space = '\u2581';

    public void Encode(string stretch, List<int> ids)
    {
        if (stretch.Length == 0)
        {
            return;
        }

        string text = (prefix ? " " + stretch : stretch).Replace(' ', Space);
        var symbols = new List<int>(text.Length);
        foreach (Rune character in text.EnumerateRunes())
        {
            Add(character, symbols);
        }

        pairs.Merge([.. symbols], ids);
    }

    public byte[] BytesOf(string entry) =>
        entry.Length == 6 && entry.StartsWith("<0x", StringComparison.Ordinal) && byte.TryParse(entry.AsSpan(3, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out byte value)
            ? [value]
            : Encoding.UTF8.GetBytes(entry.Replace(Space, ' '));

    private void Add(Rune character, List<int> symbols)
    {
        if (vocabulary.TryGetValue(character.ToString(), out int id))
        {
            symbols.Add(id);
            return;
        }

        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..character.EncodeToUtf8(bytes)];
        int before = symbols.Count;
        foreach (byte value in bytes)
        {
            if (!vocabulary.TryGetValue($"<0x{value:X2}>", out int token))
            {
                // Bytes are used all or none; unknown characters that follow each other are one token.
                symbols.RemoveRange(before, symbols.Count - before);
                if (unknown is { } none && (before == 0 || symbols[^1] != none))
                {
                    symbols.Add(none);
                }

                return;
            }

            symbols.Add(token);
        }
    }
}
