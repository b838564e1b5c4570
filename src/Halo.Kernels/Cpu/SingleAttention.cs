using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>
/// Attention of one new token: keys and values are read once for all query heads of a key/value head, and each head's tokens are divided among the workers,
/// whose parts are joined by their maxima and sums.
/// </summary>
internal sealed unsafe class SingleAttention : IDisposable
{
    private const int Block = KeyValueCache.Block;
    private const int Most = 4;
    private readonly NativeBlock _parts;
    private readonly int _heads;
    private readonly int _size;
    private readonly int _partSize;
    private readonly int _most;

    /// <param name="workers">Workers of the pool.</param>
    /// <param name="heads">H.</param>
    /// <param name="size">D.</param>
    public SingleAttention(int workers, int heads, int size)
    {
        (_heads, _size, _most) = (heads, size, workers == 1 ? 1 : 2 * workers);

        // Output (of bfloat16 by halves: even columns, then odd ones, in each 32), maximum, sum, and a line between parts.
        _partSize = size + 16;
        _parts = new NativeBlock((long)_most * heads * _partSize * sizeof(float));
    }

    /// <summary>Reads with one token's queries, (H, D).</summary>
    /// <param name="pool">Who works.</param>
    /// <param name="cache">Holds the token's own key and value too.</param>
    /// <param name="q">Queries, every factor in them.</param>
    /// <param name="length">Tokens in the cache.</param>
    /// <param name="o">Output, (H, D).</param>
    public void Run(WorkerPool pool, KeyValueCache cache, float* q, int length, float* o)
    {
        int blocks = (length + Block - 1) / Block, parts = Math.Min(_most, blocks);
        pool.Each(parts * cache.Heads, item =>
        {
            (int head, int part) = (item / parts, item % parts);
            Range(cache, q, head, (int)((long)blocks * part / parts), (int)((long)blocks * (part + 1) / parts), length, part);
        });
        for (int head = 0; head < _heads; head++)
        {
            Join(head, parts, o + (head * _size), cache.Kind);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _parts.Dispose();

    private float* Part(int part, int head) => _parts.Floats + (((long)part * _heads) + head) * _partSize;

    private void Range(KeyValueCache cache, float* q, int head, int from, int to, int length, int part)
    {
        int group = _heads / cache.Heads;
        float* scores = stackalloc float[Block * Most];
        for (int start = 0; start < group; start += Most)
        {
            int count = Math.Min(Most, group - start), first = (head * group) + start;
            for (int g = 0; g < count; g++)
            {
                float* own = Part(part, first + g);
                new Span<float>(own, _size).Clear();
                (own[_size], own[_size + 1]) = (float.NegativeInfinity, 0);
            }

            for (int block = from; block < to; block++)
            {
                byte* keys = cache.KeysAt(block, head), values = cache.ValuesAt(block, head);

                // While a block is computed with, the next one is fetched.
                byte* ahead = block + 1 < to ? cache.KeysAt(block + 1, head) : keys, aheadValues = block + 1 < to ? cache.ValuesAt(block + 1, head) : values;
                Scores(cache, keys, ahead, q + ((long)first * _size), count, scores);
                int seen = Math.Min(Block, length - (block * Block));
                for (int g = 0; g < count; g++)
                {
                    Weigh(scores + (g * Block), seen, Part(part, first + g));
                }

                if (cache.Kind == CacheValues.Int8)
                {
                    GatherCodes(cache, values, aheadValues, scores, count, part, first);
                }
                else
                {
                    Gather(cache.Kind == CacheValues.Float32, values, aheadValues, scores, count, part, first);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scores(KeyValueCache cache, byte* keys, byte* ahead, float* q, int count, float* scores)
    {
        // Missing query heads read the first once more.
        float* q0 = q, q1 = count > 1 ? q + _size : q, q2 = count > 2 ? q + (2 * _size) : q, q3 = count > 3 ? q + (3 * _size) : q;
        for (int part = 0; part < Block; part += 16)
        {
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
            if (cache.Kind != CacheValues.BFloat16)
            {
                bool isCodes = cache.Kind == CacheValues.Int8;
                for (int d = 0; d < _size; d++)
                {
                    if (isCodes && part == 0)
                    {
                        Prefetch(ahead + (d * Block));
                    }

                    Vector512<float> key = isCodes ? Codes.Sixteen((sbyte*)keys + (d * Block) + part) : Vector512.Load((float*)keys + (d * Block) + part);
                    a0 = Vector512.MultiplyAddEstimate(key, Vector512.Create(q0[d]), a0);
                    a1 = Vector512.MultiplyAddEstimate(key, Vector512.Create(q1[d]), a1);
                    a2 = Vector512.MultiplyAddEstimate(key, Vector512.Create(q2[d]), a2);
                    a3 = Vector512.MultiplyAddEstimate(key, Vector512.Create(q3[d]), a3);
                }

                if (isCodes)
                {
                    Vector512<float> scales = Vector512.Load(cache.ScalesOf(keys) + part);
                    (a0, a1, a2, a3) = (a0 * scales, a1 * scales, a2 * scales, a3 * scales);
                }
            }
            else if (count <= 2)
            {
                for (int d = 0; d < _size; d += 2)
                {
                    Prefetch((uint*)ahead + (d / 2 * Block) + part);
                    Vector512<uint> pairs = Vector512.Load((uint*)keys + (d / 2 * Block) + part);
                    Vector512<float> even = Halves.Even(pairs), odd = Halves.Odd(pairs);
                    a0 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q0[d]), a0);
                    a1 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q1[d]), a1);
                    a2 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q0[d + 1]), a2);
                    a3 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q1[d + 1]), a3);
                }

                (a0, a1) = (a0 + a2, a1 + a3);
            }
            else
            {
                for (int d = 0; d < _size; d += 2)
                {
                    Prefetch((uint*)ahead + (d / 2 * Block) + part);
                    Vector512<uint> pairs = Vector512.Load((uint*)keys + (d / 2 * Block) + part);
                    Vector512<float> even = Halves.Even(pairs), odd = Halves.Odd(pairs);
                    a0 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q0[d]), a0);
                    a1 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q1[d]), a1);
                    a2 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q2[d]), a2);
                    a3 = Vector512.MultiplyAddEstimate(even, Vector512.Create(q3[d]), a3);
                    a0 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q0[d + 1]), a0);
                    a1 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q1[d + 1]), a1);
                    a2 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q2[d + 1]), a2);
                    a3 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(q3[d + 1]), a3);
                }
            }

            a0.Store(scores + part);
            a1.Store(scores + Block + part);
            a2.Store(scores + (2 * Block) + part);
            a3.Store(scores + (3 * Block) + part);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address);
        }
    }

    private void Weigh(float* scores, int seen, float* part)
    {
        new Span<float>(scores + seen, Block - seen).Fill(float.NegativeInfinity);
        Vector512<float> a = Vector512.Load(scores), b = Vector512.Load(scores + 16), c = Vector512.Load(scores + 32), d = Vector512.Load(scores + 48);
        float peak = SoftmaxAttention.Greatest(Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
        if (peak > part[_size])
        {
            float shrink = MathF.Exp(part[_size] - peak);
            part[_size] = peak;
            part[_size + 1] *= shrink;
            for (int i = 0; i < _size; i += 16)
            {
                (Vector512.Load(part + i) * shrink).Store(part + i);
            }
        }

        Vector512<float> shift = Vector512.Create(part[_size]);
        (a, b, c, d) = (VectorMath.Exp(a - shift), VectorMath.Exp(b - shift), VectorMath.Exp(c - shift), VectorMath.Exp(d - shift));
        a.Store(scores);
        b.Store(scores + 16);
        c.Store(scores + 32);
        d.Store(scores + 48);
        part[_size + 1] += Vector512.Sum((a + b) + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(bool isWide, byte* values, byte* ahead, float* scores, int count, int part, int first)
    {
        float* o0 = Part(part, first), o1 = count > 1 ? Part(part, first + 1) : o0, o2 = count > 2 ? Part(part, first + 2) : o0, o3 = count > 3 ? Part(part, first + 3) : o0;
        float* p0 = scores, p1 = scores + Block, p2 = scores + (2 * Block), p3 = scores + (3 * Block);
        int column = 0;
        for (; !isWide && column + 32 <= _size; column += 32)
        {
            Vector512<float> e0 = Vector512.Load(o0 + column), e1 = Vector512.Load(o1 + column), e2 = Vector512.Load(o2 + column), e3 = Vector512.Load(o3 + column);
            Vector512<float> d0 = Vector512.Load(o0 + column + 16), d1 = Vector512.Load(o1 + column + 16), d2 = Vector512.Load(o2 + column + 16), d3 = Vector512.Load(o3 + column + 16);
            for (int token = 0; token < Block; token++)
            {
                Prefetch((uint*)ahead + (((token * _size) + column) / 2));
                Vector512<uint> pairs = Vector512.Load((uint*)values + (((token * _size) + column) / 2));
                Vector512<float> even = Halves.Even(pairs), odd = Halves.Odd(pairs);
                e0 = Vector512.MultiplyAddEstimate(even, Vector512.Create(p0[token]), e0);
                d0 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(p0[token]), d0);
                e1 = Vector512.MultiplyAddEstimate(even, Vector512.Create(p1[token]), e1);
                d1 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(p1[token]), d1);
                if (count > 2)
                {
                    e2 = Vector512.MultiplyAddEstimate(even, Vector512.Create(p2[token]), e2);
                    d2 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(p2[token]), d2);
                    e3 = Vector512.MultiplyAddEstimate(even, Vector512.Create(p3[token]), e3);
                    d3 = Vector512.MultiplyAddEstimate(odd, Vector512.Create(p3[token]), d3);
                }
            }

            // From the last to the first, so that what stands for a missing head does not win.
            Vector512.Store(e3, o3 + column);
            Vector512.Store(d3, o3 + column + 16);
            Vector512.Store(e2, o2 + column);
            Vector512.Store(d2, o2 + column + 16);
            Vector512.Store(e1, o1 + column);
            Vector512.Store(d1, o1 + column + 16);
            Vector512.Store(e0, o0 + column);
            Vector512.Store(d0, o0 + column + 16);
        }

        for (; column < _size; column += 16)
        {
            for (int g = 0; g < count; g++)
            {
                float* o = Part(part, first + g) + column;
                Vector512<float> sum = Vector512.Load(o);
                for (int token = 0; token < Block; token++)
                {
                    sum = Vector512.MultiplyAddEstimate(Sixteen(isWide, values, (token * _size) + column), Vector512.Create(scores[(g * Block) + token]), sum);
                }

                sum.Store(o);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void GatherCodes(KeyValueCache cache, byte* values, byte* ahead, float* scores, int count, int part, int first)
    {
        float* scales = cache.ScalesOf(values);
        for (int at = 0; at < count * Block; at += 16)
        {
            // Beyond the last token probabilities are 0, whatever lies there.
            (Vector512.Load(scores + at) * Vector512.Load(scales + (at % Block))).Store(scores + at);
        }

        float* o0 = Part(part, first), o1 = count > 1 ? Part(part, first + 1) : o0, o2 = count > 2 ? Part(part, first + 2) : o0, o3 = count > 3 ? Part(part, first + 3) : o0;
        float* p0 = scores, p1 = scores + Block, p2 = scores + (2 * Block), p3 = scores + (3 * Block);
        for (int column = 0; column < _size; column += 16)
        {
            Vector512<float> e0 = Vector512.Load(o0 + column), e1 = Vector512.Load(o1 + column), e2 = Vector512.Load(o2 + column), e3 = Vector512.Load(o3 + column);
            for (int token = 0; token < Block; token++)
            {
                if (column % 64 == 0)
                {
                    Prefetch(ahead + (token * _size) + column);
                }

                Vector512<float> value = Codes.Sixteen((sbyte*)values + (token * _size) + column);
                e0 = Vector512.MultiplyAddEstimate(value, Vector512.Create(p0[token]), e0);
                e1 = Vector512.MultiplyAddEstimate(value, Vector512.Create(p1[token]), e1);
                if (count > 2)
                {
                    e2 = Vector512.MultiplyAddEstimate(value, Vector512.Create(p2[token]), e2);
                    e3 = Vector512.MultiplyAddEstimate(value, Vector512.Create(p3[token]), e3);
                }
            }

            // From the last to the first, so that what stands for a missing head does not win.
            Vector512.Store(e3, o3 + column);
            Vector512.Store(e2, o2 + column);
            Vector512.Store(e1, o1 + column);
            Vector512.Store(e0, o0 + column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sixteen(bool isWide, byte* values, int at)
    {
        if (isWide)
        {
            return Vector512.Load((float*)values + at);
        }

        (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load((ushort*)values + at));
        return Vector512.Create(low << 16, high << 16).AsSingle();
    }

    private void Join(int head, int parts, float* o, CacheValues kind)
    {
        float greatest = float.NegativeInfinity, total = 0;
        for (int part = 0; part < parts; part++)
        {
            greatest = Math.Max(greatest, Part(part, head)[_size]);
        }

        new Span<float>(o, _size).Clear();
        int split = kind == CacheValues.BFloat16 ? _size / 32 * 32 : 0;
        for (int part = 0; part < parts; part++)
        {
            float* own = Part(part, head);
            float factor = MathF.Exp(own[_size] - greatest);
            total += own[_size + 1] * factor;
            for (int d = 0; d < _size; d++)
            {
                int at = d < split ? (d / 32 * 32) + (d % 2 * 16) + (d % 32 / 2) : d;
                o[d] += own[at] * factor;
            }
        }

        for (int d = 0; d < _size; d++)
        {
            o[d] /= total;
        }
    }
}
