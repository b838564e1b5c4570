using Halo.Core;

namespace Halo.Text.Data;

/// <summary>
/// Rows cut out of the joined documents of a <see cref="TokenStore"/>. Row r belongs to epoch r / rows; within an epoch the rows come in a
/// random order, and each epoch cuts at another place. All of it is a function of (seed, r).
/// </summary>
public sealed class PackedRows : IRowSource
{
    private readonly TokenStore _store;
    private readonly bool _segments;
    private readonly long _seed;
    private readonly bool _shuffle;

    /// <summary>Rows of <paramref name="rowLength"/> tokens and one more.</summary>
    /// <param name="store">Tokens; must outlive the rows.</param>
    /// <param name="rowLength">T.</param>
    /// <param name="segments">Whether rows tell their documents apart.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="shuffle">False: the rows as they lie, for measuring.</param>
    /// <param name="name">The corpus, for errors.</param>
    /// <exception cref="HaloException">The corpus is shorter than a row.</exception>
    public PackedRows(TokenStore store, int rowLength, bool segments, long seed, bool shuffle = true, string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowLength, 1);
        _store = store;
        _segments = segments;
        _seed = seed;
        _shuffle = shuffle;
        RowLength = rowLength;
        if (store.Count < rowLength + 1)
        {
            throw new HaloException($"the corpus has {store.Count:N0} tokens, a row needs {rowLength + 1:N0}", name, "give more text or shorter rows");
        }

        // The cut moves by up to a row from epoch to epoch, so one row of slack is left where there is room.
        RowsPerEpoch = Math.Max(1, shuffle ? (store.Count - rowLength) / rowLength : (store.Count - 1) / rowLength);
    }

    /// <inheritdoc/>
    public int RowLength { get; }

    /// <summary>Rows before the text is read again.</summary>
    public long RowsPerEpoch { get; }

    /// <inheritdoc/>
    public TokenBatch Read(long firstRow, int count)
    {
        int width = RowLength + 1;
        var ids = new int[count * width];
        int[]? segments = _segments ? new int[ids.Length] : null;
        for (int i = 0; i < count; i++)
        {
            long position = Position(firstRow + i);
            _store.Read(position, ids.AsSpan(i * width, width));
            if (segments is not null)
            {
                Mark(position, segments.AsSpan(i * width, width));
            }
        }

        return new TokenBatch(ids, count, RowLength, segments);
    }

    private long Position(long row)
    {
        long epoch = Math.DivRem(row, RowsPerEpoch, out long index);
        if (!_shuffle)
        {
            return index * RowLength;
        }

        long slack = _store.Count - 1 - (RowsPerEpoch * RowLength);
        long offset = (long)(CounterRandom.Mix((ulong)_seed ^ CounterRandom.Mix((ulong)epoch)) % (ulong)(slack + 1));
        return offset + (new Permutation(RowsPerEpoch, _seed, epoch)[index] * RowLength);
    }

    private void Mark(long position, Span<int> segments)
    {
        int first = _store.DocumentAt(position);
        int document = first;
        for (int i = 0; i < segments.Length; i++)
        {
            while (position + i >= _store.End(document))
            {
                document++;
            }

            segments[i] = document - first;
        }
    }
}
