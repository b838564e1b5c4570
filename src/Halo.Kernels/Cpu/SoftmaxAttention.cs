using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>
/// Causal softmax attention of new tokens over a <see cref="KeyValueCache"/> that holds them already; H query heads, Hkv key/value heads, query head h reads head
/// floor(h Hkv / H). Queries come with every factor of the logits in them. Softmax is gathered block by block (running maximum and sum), in float32.
/// </summary>
internal static unsafe class SoftmaxAttention
{
    private const int Block = KeyValueCache.Block;
    private const int TokensTogether = 16;

    [ThreadStatic]
    private static NativeBlock? _scratch;

    /// <summary>Many tokens of one sequence.</summary>
    /// <param name="pool">Who works.</param>
    /// <param name="cache">Holds the new tokens too.</param>
    /// <param name="q">Queries, (T, H, D).</param>
    /// <param name="qStride">From a token to the next in <paramref name="q"/>.</param>
    /// <param name="heads">H.</param>
    /// <param name="first">Position of the first new token.</param>
    /// <param name="tokens">T.</param>
    /// <param name="o">Output, (T, H, D).</param>
    /// <param name="oStride">From a token to the next in <paramref name="o"/>.</param>
    public static void Blocks(WorkerPool pool, KeyValueCache cache, float* q, int qStride, int heads, int first, int tokens, float* o, int oStride)
    {
        int tiles = (tokens + TokensTogether - 1) / TokensTogether;
        pool.Each(tiles * cache.Heads, item =>
        {
            // The longest first, so that nobody waits for one at the end.
            int tile = tiles - 1 - (item / cache.Heads);
            int start = tile * TokensTogether;
            Tile(cache, item % cache.Heads, q + ((long)start * qStride), qStride, heads / cache.Heads, first + start, Math.Min(TokensTogether, tokens - start), o + ((long)start * oStride), oStride);
        });
    }

    private static void Tile(KeyValueCache cache, int head, float* q, int qStride, int group, int first, int tokens, float* o, int oStride)
    {
        int size = cache.Size, rows = tokens * group, most = TokensTogether * group;
        long needed = sizeof(float) * ((2L * most * size) + (Block * most) + (2 * most) + (2L * Block * size));
        if (_scratch is null || _scratch.Bytes < needed)
        {
            _scratch?.Dispose();
            _scratch = new NativeBlock(needed);
        }

        float* queries = _scratch.Floats, sums = queries + (most * size), scores = sums + (most * size), greatest = scores + (Block * most), total = greatest + most;
        float* keyPanel = scores + (Block * most) + ((2 * most) + 15 & ~15), valuePanel = keyPanel + (Block * size);
        for (int row = 0; row < rows; row++)
        {
            float* from = q + ((long)(row / group) * qStride) + (((head * group) + (row % group)) * size);
            new ReadOnlySpan<float>(from, size).CopyTo(new Span<float>(queries + (row * size), size));
            (greatest[row], total[row]) = (float.NegativeInfinity, 0);
        }

        new Span<float>(sums, rows * size).Clear();
        int last = first + tokens - 1;
        for (int block = 0; block * Block <= last; block++)
        {
            float* keys = (float*)cache.KeysAt(block, head), values = (float*)cache.ValuesAt(block, head);
            if (cache.Kind == CacheValues.Int8)
            {
                Decode(cache, (byte*)keys, (byte*)values, keyPanel, valuePanel);
            }
            else if (cache.Kind == CacheValues.BFloat16)
            {
                Widen((uint*)keys, (uint*)values, size, keyPanel, valuePanel);
            }

            if (cache.Kind != CacheValues.Float32)
            {
                keys = keyPanel;
                values = valuePanel;
            }

            new Span<float>(scores, rows * Block).Clear();
            FloatTiles.Add(queries, size, keys, Block, scores, Block, size, rows, Block);
            for (int row = 0; row < rows; row++)
            {
                int seen = Math.Min(Block, first + (row / group) - (block * Block) + 1);
                Weigh(scores + (row * Block), seen, greatest + row, total + row, sums + (row * size), size);
            }

            FloatTiles.Add(scores, Block, values, size, sums, size, Block, rows, size);
        }

        for (int row = 0; row < rows; row++)
        {
            float* to = o + ((long)(row / group) * oStride) + (((head * group) + (row % group)) * size);
            float inverse = 1 / total[row];
            for (int d = 0; d < size; d += 16)
            {
                (Vector512.Load(sums + (row * size) + d) * inverse).Store(to + d);
            }
        }
    }

    /// <summary>Scores of a block to exponentials relative to the greatest so far; what was summed before shrinks when that grows.</summary>
    private static void Weigh(float* scores, int seen, float* greatest, float* total, float* sums, int size)
    {
        if (seen < Block)
        {
            new Span<float>(scores + Math.Max(seen, 0), Block - Math.Max(seen, 0)).Fill(float.NegativeInfinity);
            if (seen <= 0)
            {
                new Span<float>(scores, Block).Clear();
                return;
            }
        }

        Vector512<float> a = Vector512.Load(scores), b = Vector512.Load(scores + 16), c = Vector512.Load(scores + 32), d = Vector512.Load(scores + 48);
        Vector512<float> most = Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d));
        float peak = Greatest(most);
        if (peak > *greatest)
        {
            float shrink = MathF.Exp(*greatest - peak);
            *greatest = peak;
            *total *= shrink;
            for (int i = 0; i < size; i += 16)
            {
                (Vector512.Load(sums + i) * shrink).Store(sums + i);
            }
        }

        Vector512<float> shift = Vector512.Create(*greatest);
        (a, b, c, d) = (VectorMath.Exp(a - shift), VectorMath.Exp(b - shift), VectorMath.Exp(c - shift), VectorMath.Exp(d - shift));
        a.Store(scores);
        b.Store(scores + 16);
        c.Store(scores + 32);
        d.Store(scores + 48);
        *total += Vector512.Sum((a + b) + (c + d));
    }

    /// <summary>The greatest lane.</summary>
    public static float Greatest(Vector512<float> v)
    {
        Vector256<float> half = Vector256.MaxNative(v.GetLower(), v.GetUpper());
        Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(quarter[0], quarter[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode(KeyValueCache cache, byte* keys, byte* values, float* keyPanel, float* valuePanel)
    {
        float* keyScales = cache.ScalesOf(keys), valueScales = cache.ScalesOf(values);
        for (int part = 0; part < Block; part += 16)
        {
            Vector512<float> scales = Vector512.Load(keyScales + part);
            for (int d = 0; d < cache.Size; d++)
            {
                (Codes.Sixteen((sbyte*)keys + (d * Block) + part) * scales).Store(keyPanel + (d * Block) + part);
            }
        }

        for (int i = 0; i < Block * cache.Size; i += 16)
        {
            (Codes.Sixteen((sbyte*)values + i) * valueScales[i / cache.Size]).Store(valuePanel + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(uint* keys, uint* values, int size, float* keyPanel, float* valuePanel)
    {
        for (int d = 0; d < size / 2; d++)
        {
            for (int part = 0; part < Block; part += 16)
            {
                Vector512<uint> pairs = Vector512.Load(keys + (d * Block) + part);
                Halves.Even(pairs).Store(keyPanel + (2 * d * Block) + part);
                Halves.Odd(pairs).Store(keyPanel + (((2 * d) + 1) * Block) + part);
            }
        }

        var words = (ushort*)values;
        for (int i = 0; i < Block * size; i += 16)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(words + i));
            Vector512.Create(low << 16, high << 16).AsSingle().Store(valuePanel + i);
        }
    }
}
