namespace Halo.Text.Data;

/// <summary>
/// Rows of several sources in fixed proportions: each run of 1,000 rows holds its share of each source, in a random order. Where that would miss
/// a source's weight by more than a tenth, as for rare sources, the run is 10,000 rows, or 100,000, and so on; no source is ever left out.
/// </summary>
public sealed class MixedRows : IRowSource
{
    private const long ShortestBlock = 1000;
    private const long LongestBlock = 1_000_000_000_000;
    private readonly long _block;
    private readonly IRowSource[] _sources;
    private readonly long[] _ends;
    private readonly long _seed;

    /// <summary>Mixes sources of one row length.</summary>
    /// <param name="sources">Sources and weights (any positive numbers).</param>
    /// <param name="seed">Seed of the order.</param>
    public MixedRows(IReadOnlyList<(IRowSource Source, double Weight)> sources, long seed)
    {
        if (sources.Count == 0 || sources.Any(source => !(source.Weight > 0)) || sources.Select(source => source.Source.RowLength).Distinct().Count() != 1)
        {
            throw new ArgumentException("sources need positive weights and one row length", nameof(sources));
        }

        _sources = [.. sources.Select(source => source.Source)];
        _seed = seed;
        double total = sources.Sum(source => source.Weight);
        double[] shares = [.. sources.Select(source => source.Weight / total)];
        _block = ShortestBlock;
        _ends = Ends(shares, _block);
        while (_block < LongestBlock && shares.Where((share, i) => Math.Abs(Rows(i) - (share * _block)) > 0.1 * share * _block).Any())
        {
            _block *= 10;
            _ends = Ends(shares, _block);
        }
    }

    /// <inheritdoc/>
    public int RowLength => _sources[0].RowLength;

    /// <summary>The source of a row and the row's number within it.</summary>
    public (int Source, long Row) Place(long row)
    {
        long block = Math.DivRem(row, _block, out long index);
        long slot = new Permutation(_block, _seed, block)[index];
        int source = 0;
        while (slot >= _ends[source])
        {
            source++;
        }

        long start = source == 0 ? 0 : _ends[source - 1];
        return (source, (block * Rows(source)) + slot - start);
    }

    /// <summary>The share of rows that a source has.</summary>
    internal double ShareOf(int source) => (double)Rows(source) / _block;

    /// <inheritdoc/>
    public TokenBatch Read(long firstRow, int count)
    {
        int width = RowLength + 1;
        var rows = new TokenBatch[count];
        Parallel.For(0, count, i =>
        {
            (int source, long row) = Place(firstRow + i);
            rows[i] = _sources[source].Read(row, 1);
        });
        var ids = new int[count * width];
        int[]? segments = rows.Any(row => row.Segments is not null) ? new int[ids.Length] : null;
        bool[]? answers = rows.Any(row => row.Answers is not null) ? new bool[ids.Length] : null;
        for (int i = 0; i < count; i++)
        {
            rows[i].Ids.CopyTo(ids, i * width);
            rows[i].Segments?.CopyTo(segments!, i * width);
            rows[i].Answers?.CopyTo(answers!, i * width);
        }

        return new TokenBatch(ids, count, RowLength, segments, answers);
    }

    /// <summary>Where the slots of each source end; every source has one at least.</summary>
    private static long[] Ends(double[] shares, long block)
    {
        var ends = new long[shares.Length];
        double sum = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            sum += shares[i];
            long least = i == 0 ? 1 : ends[i - 1] + 1;
            ends[i] = Math.Clamp((long)Math.Round(block * sum), least, Math.Max(least, block - (ends.Length - 1 - i)));
        }

        ends[^1] = block;
        return ends;
    }

    private long Rows(int source) => _ends[source] - (source == 0 ? 0 : _ends[source - 1]);
}
