using System.Runtime.InteropServices;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>Byte-level byte-pair encoding of one piece of text: the pair of lowest rank merges first, the leftmost of equals.</summary>
internal sealed class BytePairEncoder(int[] idOfByte, Dictionary<ulong, (int Rank, int Id)> merges)
{
    private const int LongestCached = 48;
    private const int ShortPiece = 96;
    private readonly PieceCache _cache = new();

    /// <summary>Appends the ids of a piece.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > LongestCached)
        {
            Merge(piece, ids);
            return;
        }

        int[]? known = _cache.Find(piece, out ulong hash);
        if (known is null)
        {
            var found = new List<int>();
            Merge(piece, found);
            known = [.. found];
            _cache.Put(piece, hash, known);
        }

        ids.AddRange(known);
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private void Merge(ReadOnlySpan<char> piece, List<int> ids)
    {
        int room = Encoding.UTF8.GetMaxByteCount(piece.Length);
        Span<byte> bytes = room <= 256 ? stackalloc byte[256] : new byte[room];
        Span<int> symbols = room <= 256 ? stackalloc int[256] : new int[room];
        int count = 0;
        foreach (byte value in bytes[..Encoding.UTF8.GetBytes(piece, bytes)])
        {
            // A byte that the vocabulary lacks vanishes, as there is no unknown token.
            if (idOfByte[value] >= 0)
            {
                symbols[count++] = idOfByte[value];
            }
        }

        Merge(symbols[..count], ids);
    }

    /// <summary>Appends what is left of symbols when all merges are done; the span is overwritten.</summary>
    public void Merge(Span<int> symbols, List<int> ids)
    {
        if (symbols.Length <= ShortPiece)
        {
            ids.AddRange((ReadOnlySpan<int>)symbols[..MergeShort(symbols)]);
        }
        else
        {
            MergeLong(symbols, ids);
        }
    }

    // Keeps the merge of each neighbouring pair beside the symbols; after a merge only the pairs on its two sides are looked up again.
    private int MergeShort(Span<int> symbols)
    {
        int count = symbols.Length;
        Span<(int Rank, int Id)> pairs = stackalloc (int, int)[ShortPiece];
        for (int i = 0; i + 1 < count; i++)
        {
            pairs[i] = Look(symbols[i], symbols[i + 1]);
        }

        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                best = pairs[i].Rank < pairs[best].Rank ? i : best;
            }

            if (pairs[best].Rank == int.MaxValue)
            {
                break;
            }

            symbols[best] = pairs[best].Id;
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            pairs[(best + 1)..(count - 1)].CopyTo(pairs[best..]);
            count--;
            if (best > 0)
            {
                pairs[best - 1] = Look(symbols[best - 1], symbols[best]);
            }

            if (best + 1 < count)
            {
                pairs[best] = Look(symbols[best], symbols[best + 1]);
            }
        }

        return count;
    }

    private (int Rank, int Id) Look(int left, int right) =>
        merges.TryGetValue(Key(left, right), out (int Rank, int Id) merge) ? merge : (int.MaxValue, 0);

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
        (int Rank, int Id) merge = Look(left, right);
        if (merge.Rank != int.MaxValue)
        {
            queue.Enqueue((position, left, right, merge.Id), (merge.Rank, position));
        }
    }
}
