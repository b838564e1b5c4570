using Halo.Text;

namespace Halo.Conversion.Measurement;

/// <summary>Rows of random ids: the time of a step does not depend on them.</summary>
internal sealed class SyntheticRows(int length, int vocabulary) : IRowSource
{
    public int RowLength => length;

    public TokenBatch Read(long firstRow, int count)
    {
        var random = new Random(unchecked((int)firstRow));
        int[] ids = new int[count * (length + 1)];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = random.Next(vocabulary);
        }

        return new TokenBatch(ids, count, length);
    }
}
