using System.Runtime.InteropServices;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>Byte-level byte-pair encoding of one piece of text: the pair of lowest rank merges first, the leftmost of equals.</summary>
internal sealed class BytePairEncoder(int[] idOfByte, Dictionary<ulong, (int Rank, int Id)> merges)
{
    private const int CachedEntries = 1 << 16;
    private const int LongestCached = 48;
    private const int ShortPiece = 96;
    private readonly ThreadLocal<Dictionary<string, int[]>> _caches = new(() => new Dictionary<string, int[]>(StringComparer.Ordinal));

    /// <summary>Appends the ids of a piece.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > LongestCached)
        {
            Merge(piece, ids);
            return;
        }

        Dictionary<string, int[]> cache = _caches.Value!;
        var lookup = cache.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(piece, out int[]? known))
        {
            var found = new List<int>();
            Merge(piece, found);
            known = [.. found];
            if (cache.Count >= CachedEntries)
            {
                cache.Clear();
            }

            lookup[piece] = known;
        }

        ids.AddRange(known);
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private void Merge(ReadOnlySpan<char> piece, List<int> ids)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(piece.Length)];
        int count = Encoding.UTF8.GetBytes(piece, bytes);
        var symbols = new List<int>(count);
        for (int i = 0; i < count; i++)
        {
            // A byte that the vocabulary lacks vanishes, as there is no unknown token.
            if (idOfByte[bytes[i]] >= 0)
            {
                symbols.Add(idOfByte[bytes[i]]);
            }
        }

        if (symbols.Count <= ShortPiece)
        {
            MergeShort(symbols);
            ids.AddRange(symbols);
        }
        else
        {
            MergeLong(CollectionsMarshal.AsSpan(symbols), ids);
        }
    }

    private void MergeShort(List<int> symbols)
    {
        while (symbols.Count > 1)
        {
            int best = -1;
            (int Rank, int Id) lowest = (int.MaxValue, 0);
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (merges.TryGetValue(Key(symbols[i], symbols[i + 1]), out (int Rank, int Id) merge) && merge.Rank < lowest.Rank)
                {
                    (best, lowest) = (i, merge);
                }
            }

            if (best < 0)
            {
                return;
            }

            symbols[best] = lowest.Id;
            symbols.RemoveAt(best + 1);
        }
    }

    // A linked list with a queue of candidate pairs, for pieces without bound: O(n log n).
    private void MergeLong(Span<int> symbols, List<int> ids)
    {
        int count = symbols.Length;
        var next = new int[count];
        var previous = new int[count];
        var queue = new PriorityQueue<(int Position, int Left, int Right, int Id), (int Rank, int Position)>();
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
        }

        for (int i = 0; i + 1 < count; i++)
        {
            Offer(queue, i, symbols[i], symbols[i + 1]);
        }

        while (queue.TryDequeue(out (int Position, int Left, int Right, int Id) pair, out _))
        {
            int right = next[pair.Position];
            if (symbols[pair.Position] != pair.Left || right >= count || symbols[right] != pair.Right)
            {
                continue; // One of the two was merged meanwhile.
            }

            symbols[pair.Position] = pair.Id;
            symbols[right] = -1;
            next[pair.Position] = next[right];
            if (next[right] < count)
            {
                previous[next[right]] = pair.Position;
                Offer(queue, pair.Position, pair.Id, symbols[next[right]]);
            }

            if (previous[pair.Position] >= 0)
            {
                Offer(queue, previous[pair.Position], symbols[previous[pair.Position]], pair.Id);
            }
        }

        for (int i = 0; i < count; i = next[i])
        {
            ids.Add(symbols[i]);
        }
    }

    private void Offer(PriorityQueue<(int Position, int Left, int Right, int Id), (int Rank, int Position)> queue, int position, int left, int right)
    {
        if (merges.TryGetValue(Key(left, right), out (int Rank, int Id) merge))
        {
            queue.Enqueue((position, left, right, merge.Id), (merge.Rank, position));
        }
    }
}
