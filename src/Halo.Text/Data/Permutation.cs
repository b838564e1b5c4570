namespace Halo.Text.Data;

/// <summary>A permutation of 0 .. n-1 that needs no memory: a four-round Feistel network over the next even power of two, walked until it lands below n.</summary>
internal sealed class Permutation
{
    private const int Rounds = 4;
    private readonly long _count;
    private readonly int _halfBits;
    private readonly ulong _key;

    /// <summary>The permutation of <paramref name="count"/> numbers that belongs to a key.</summary>
    public Permutation(long count, long seed, long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = count;
        int bits = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)Math.Max(1, count - 1));
        _halfBits = Math.Max(1, (bits + 1) / 2);
        _key = CounterRandom.Mix((ulong)seed) ^ CounterRandom.Mix(~(ulong)epoch);
    }

    /// <summary>Where <paramref name="index"/> goes.</summary>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _count);
            ulong value = (ulong)index;
            do
            {
                value = Encrypt(value);
            }
            while (value >= (ulong)_count);
            return (long)value;
        }
    }

    private ulong Encrypt(ulong value)
    {
        ulong mask = (1UL << _halfBits) - 1;
        ulong left = value >> _halfBits;
        ulong right = value & mask;
        for (int round = 0; round < Rounds; round++)
        {
            (left, right) = (right, left ^ (CounterRandom.Mix(right ^ _key ^ ((ulong)round << 56)) & mask));
        }

        return (left << _halfBits) | right;
    }
}
