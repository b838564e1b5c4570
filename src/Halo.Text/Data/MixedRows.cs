namespace Halo.Text.Data;

/// <summary>Rows of several sources in fixed proportions: each run of 1,000 rows holds its exact share of each source, in a random order.</summary>
public sealed class MixedRows : IRowSource
{
    private const int Block = 1000;
    private readonly IRowSource[] _sources;
    private readonly int[] _ends;
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
        _ends = new int[_sources.Length];
        double total = sources.Sum(source => source.Weight);
        double sum = 0;
        for (int i = 0; i < _ends.Length; i++)
        {
            sum += sources[i].Weight;
            _ends[i] = (int)Math.Round(Block * sum / total);
        }
    }

    /// <inheritdoc/>
    public int RowLength => _sources[0].RowLength;

    /// <summary>The source of a row and the row's number within it.</summary>
    public (int Source, long Row) Place(long row)
    {
        long block = Math.DivRem(row, Block, out long index);
        int slot = (int)new Permutation(Block, _seed, block)[index];
        int source = 0;
        while (slot >= _ends[source])
        {
            source++;
        }

        int start = source == 0 ? 0 : _ends[source - 1];
        return (source, (block * (_ends[source] - start)) + slot - start);
    }

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
}
