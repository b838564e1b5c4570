using Halo.Kernels.Cpu;

namespace Halo.Kernels.Tests.Cpu;

/// <summary>Attention over the packed cache beside plain softmax in float64 over what the cache gives back.</summary>
public unsafe class AttentionKernelTests
{
    [Theory]
    [InlineData(4, 2, 64, "Float32")]
    [InlineData(4, 2, 64, "BFloat16")]
    [InlineData(9, 3, 64, "BFloat16")]
    [InlineData(5, 5, 48, "BFloat16")]
    [InlineData(6, 1, 16, "Float32")]
    [InlineData(6, 1, 128, "BFloat16")]
    [InlineData(4, 2, 64, "Int8")]
    [InlineData(9, 3, 48, "Int8")]
    [InlineData(6, 1, 128, "Int8")]
    public void BlocksAndSingleTokens(int heads, int keyHeads, int size, string kindName)
    {
        CacheValues kind = Enum.Parse<CacheValues>(kindName);
        using var pool = new WorkerPool(3);
        foreach ((int first, int tokens) in new[] { (0, 1), (0, 70), (63, 2), (130, 37), (300, 1) })
        {
            int length = first + tokens;
            using var cache = new KeyValueCache(keyHeads, size, kind);
            cache.Reserve(length);
            using NativeBlock keys = CpuInputs.Block(CpuInputs.Values(length * keyHeads * size, 1)), values = CpuInputs.Block(CpuInputs.Values(length * keyHeads * size, 2));
            for (int at = 0; at < length * keyHeads; at++)
            {
                cache.Set(at / keyHeads, at % keyHeads, keys.Floats + (at * size), values.Floats + (at * size));
            }

            int stride = heads * size;
            using NativeBlock q = CpuInputs.Block(CpuInputs.Values(tokens * stride, 3)), o = new(tokens * stride * sizeof(float));
            double[] expected = Plain(cache, q.Floats, heads, first, tokens);
            SoftmaxAttention.Blocks(pool, cache, q.Floats, stride, heads, first, tokens, o.Floats, stride);
            CpuInputs.Near(expected, i => o.Floats[i], 3e-6);

            using var single = new SingleAttention(pool.Count, heads, size);
            int last = (tokens - 1) * stride;
            single.Run(pool, cache, q.Floats + last, length, o.Floats);
            CpuInputs.Near(expected[last..], i => o.Floats[i], 3e-6);
        }
    }

    /// <summary>Codes are off by half a step at most, whose size each head of each token has for itself.</summary>
    [Fact]
    public void EightBitsOfAToken()
    {
        const int Size = 48;
        using var cache = new KeyValueCache(2, Size, CacheValues.Int8);
        cache.Reserve(70);
        float[] key = CpuInputs.Values(Size, 1), value = [.. CpuInputs.Values(Size, 2).Select(x => x * 100)], zeros = new float[Size];
        float[] foundKey = new float[Size], foundValue = new float[Size];
        fixed (float* k = key, v = value, none = zeros, fk = foundKey, fv = foundValue)
        {
            cache.Set(65, 1, k, v);
            cache.Set(66, 1, none, none);
            cache.Get(65, 1, fk, fv);
            foreach ((float[] exact, float[] found) in new[] { (key, foundKey), (value, foundValue) })
            {
                float step = exact.Max(Math.Abs) / 127;
                Assert.All(exact.Zip(found), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 0.5001f * step));
                Assert.Contains(exact.Zip(found), pair => pair.First != pair.Second);
            }

            cache.Get(66, 1, fk, fv);
            Assert.All(foundKey.Concat(foundValue), x => Assert.Equal(0, x));
        }

        Assert.Equal(KeyValueCache.BytesFor(70, 2, Size, CacheValues.Int8), cache.Bytes);
    }

    private static double[] Plain(KeyValueCache cache, float* q, int heads, int first, int tokens)
    {
        int size = cache.Size, length = first + tokens;
        var result = new double[tokens * heads * size];
        using var key = new NativeBlock(length * size * sizeof(float));
        using var value = new NativeBlock(length * size * sizeof(float));
        for (int head = 0; head < heads; head++)
        {
            for (int at = 0; at < length; at++)
            {
                cache.Get(at, head * cache.Heads / heads, key.Floats + (at * size), value.Floats + (at * size));
            }

            for (int t = 0; t < tokens; t++)
            {
                int row = ((t * heads) + head) * size, seen = first + t + 1;
                double[] scores = [.. Enumerable.Range(0, seen).Select(at => Enumerable.Range(0, size).Sum(d => (double)q[row + d] * key.Floats[(at * size) + d]))];
                double greatest = scores.Max(), total = scores.Sum(s => Math.Exp(s - greatest));
                for (int d = 0; d < size; d++)
                {
                    result[row + d] = Enumerable.Range(0, seen).Sum(at => Math.Exp(scores[at] - greatest) / total * value.Floats[(at * size) + d]);
                }
            }
        }

        return result;
    }
}
