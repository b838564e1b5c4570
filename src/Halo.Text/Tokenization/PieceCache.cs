using System.Runtime.InteropServices;

namespace Halo.Text.Tokenization;

/// <summary>
/// Remembers the ids of pieces of text: a table with one place a hash, so that finding takes one look, a full table costs nothing and frequent words
/// stay for as long as no other takes their place. For all threads at once: entries never change, and a place is read or replaced in one access.
/// </summary>
internal sealed class PieceCache
{
    private const int Places = 1 << 19;
    private readonly Entry?[] _table = new Entry?[Places];

    /// <summary>The ids of a piece, or null.</summary>
    /// <param name="piece">Text.</param>
    /// <param name="hash">Its hash, for <see cref="Put"/>.</param>
    public int[]? Find(ReadOnlySpan<char> piece, out ulong hash)
    {
        hash = Hash(piece);
        Entry? entry = _table[hash % Places];
        return entry is not null && entry.Hash == hash && piece.SequenceEqual(entry.Piece) ? entry.Ids : null;
    }

    /// <summary>Remembers the ids of a piece.</summary>
    public void Put(ReadOnlySpan<char> piece, ulong hash, int[] ids) => _table[hash % Places] = new Entry(hash, piece.ToString(), ids);

    private static ulong Hash(ReadOnlySpan<char> piece)
    {
        ulong hash = (ulong)piece.Length;
        ReadOnlySpan<ulong> fours = MemoryMarshal.Cast<char, ulong>(piece);
        foreach (ulong four in fours)
        {
            hash = Mix(hash ^ four);
        }

        foreach (char unit in piece[(fours.Length * 4)..])
        {
            hash = (hash << 16) ^ (hash >> 48) ^ unit;
        }

        return Mix(hash);
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, 0x9E3779B97F4A7C15UL, out ulong low);
        return high ^ low;
    }

    private sealed record Entry(ulong Hash, string Piece, int[] Ids);
}
