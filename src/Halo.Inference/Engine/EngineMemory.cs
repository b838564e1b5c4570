using Halo.Core;

namespace Halo.Inference;

/// <summary>What fits into the memory of a runner.</summary>
/// <param name="runner">The runner.</param>
/// <param name="prefillBlock">Tokens that are read at once; 0 lets memory decide.</param>
internal readonly struct EngineMemory(IModelRunner runner, int prefillBlock)
{
    private const int UsualBlock = 8192;
    private const int LargestSquare = 1 << 15;
    private const int SmallestBlock = 512;

    /// <summary>Tokens to read at once of a row with <paramref name="left"/> to read, when its cache will grow by <paramref name="growth"/> bytes: one causal square is faster than blocks against a cache, up to 32,768 tokens; from there on blocks are (docs/benchmarks/inference.md).</summary>
    public int Block(int left, long growth)
    {
        if (prefillBlock > 0)
        {
            return Math.Min(prefillBlock, left);
        }

        long free = runner.FreeBytes - growth;
        if (left <= UsualBlock ? runner.WorkBytes(left) <= free : left <= LargestSquare && runner.WorkBytes(left) <= free / 2)
        {
            return left;
        }

        int block = UsualBlock;
        while (block > SmallestBlock && runner.WorkBytes(block) > free)
        {
            block /= 2;
        }

        return Math.Min(block, left);
    }

    /// <summary>Bytes by which a sequence's cache grows for more tokens.</summary>
    public long Growth(Sequence sequence, long more) => Math.Max(0, runner.CacheBytes(sequence.Length + more) - sequence.Bytes);

    /// <summary>The greatest length of <paramref name="rows"/> sequences that fits into what is free and <paramref name="given"/> bytes more.</summary>
    public int Longest(long given, int rows = 1)
    {
        long free = runner.FreeBytes + given;
        (long low, long high) = (0, int.MaxValue);
        while (low < high)
        {
            long middle = (low + high + 1) / 2;
            bool fits = (rows * runner.CacheBytes(middle)) + LeastWork(middle) <= free;
            (low, high) = fits ? (middle, high) : (low, middle - 1);
        }

        return (int)low;
    }

    /// <summary>Bytes of the least work that reading a prompt of <paramref name="tokens"/> needs.</summary>
    public long LeastWork(long tokens) => runner.WorkBytes(Math.Min(tokens, prefillBlock > 0 ? prefillBlock : SmallestBlock));

    /// <summary>The error for what does not fit, with the length that does.</summary>
    public static HaloException TooLong(string what, int fits, string? where = null) =>
        new($"{what} do not fit into memory; {fits} tokens a sequence fit", where, "shorten the prompt, give other sequences back, or use a device with more memory");
}
