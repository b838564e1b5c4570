using Halo.Text;

namespace Halo.Training.Tests;

/// <summary>Rows of made-up ids: row r is a function of r alone.</summary>
internal sealed class Rows(int length, int vocabulary, bool segments = false) : IRowSource
{
    public int RowLength => length;

    /// <summary>Rows read so far, in order.</summary>
    public List<long> Seen { get; } = [];

    public TokenBatch Read(long firstRow, int count)
    {
        int stride = length + 1;
        int[] ids = new int[count * stride];
        for (int row = 0; row < count; row++)
        {
            Seen.Add(firstRow + row);
            var random = new Random(unchecked((int)((firstRow + row) * 7919)));
            for (int at = 0; at < stride; at++)
            {
                // Half of the ids follow from the one before, so that there is something to learn.
                ids[(row * stride) + at] = at > 0 && random.Next(2) == 0 ? (ids[(row * stride) + at - 1] * 3 + 1) % vocabulary : random.Next(vocabulary);
            }
        }

        int[]? documents = segments ? [.. Enumerable.Range(0, ids.Length).Select(at => at % stride * 3 / stride)] : null;
        return new TokenBatch(ids, count, length, documents);
    }
}
