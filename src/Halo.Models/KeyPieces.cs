namespace Halo.Models;

/// <summary>
/// Old keys in pieces of few lengths: cuDNN plans each new shape for about 50 ms, and reads 131,072 keys at a higher rate than 524,288.
/// </summary>
internal static class KeyPieces
{
    /// <summary>Tokens of a piece at most.</summary>
    public const long Largest = 1 << 17;

    /// <summary>Tokens of a piece at least, but for the last.</summary>
    public const long Smallest = 1 << 13;

    /// <summary>Pieces that follow one another: powers of two, the greatest first, then what is left.</summary>
    public static IEnumerable<(long Start, long Count)> Of(long keys)
    {
        long start = 0;
        for (long size = Largest; size >= Smallest; size /= 2)
        {
            for (; keys - start >= size; start += size)
            {
                yield return (start, size);
            }
        }

        if (start < keys)
        {
            yield return (start, keys - start);
        }
    }
}
