using Halo.Kernels.Cpu;

namespace Halo.Kernels.Tests.Cpu;

/// <summary>The recurrence beside plain sums in float64; pool and functions.</summary>
public unsafe class LightningStepsTests
{
    [Theory]
    [InlineData(16, 7)]
    [InlineData(64, 1)]
    [InlineData(48, 30)]
    public void Recurrence(int size, int tokens)
    {
        const float Decay = 0.9f, Scale = 0.25f;
        float[] before = CpuInputs.Values(size * size, 4), rows = CpuInputs.Values(tokens * 3 * size, 5);
        using NativeBlock state = CpuInputs.Block(before), qkv = CpuInputs.Block(rows), o = new(tokens * size * sizeof(float));
        LightningSteps.Run(state.Floats, size, Decay, Scale, qkv.Floats, qkv.Floats + size, qkv.Floats + (2 * size), 3 * size, o.Floats, size, tokens);
        double[] s = [.. before.Select(one => (double)one)];
        var expected = new double[tokens * size];
        for (int t = 0; t < tokens; t++)
        {
            int at = t * 3 * size;
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j < size; j++)
                {
                    s[(i * size) + j] = (s[(i * size) + j] * Decay) + ((double)rows[at + size + i] * rows[at + (2 * size) + j]);
                    expected[(t * size) + j] += Scale * rows[at + i] * s[(i * size) + j];
                }
            }
        }

        CpuInputs.Near(expected, i => o.Floats[i], 1e-5);
        CpuInputs.Near(s, i => state.Floats[i], 1e-5);
    }

    [Fact]
    public void Exponentials()
    {
        for (float x = -100; x < 80; x += 0.37f)
        {
            double expected = x < -87 ? 0 : Math.Exp(x);
            Assert.InRange(VectorMath.Exp(System.Runtime.Intrinsics.Vector512.Create(x))[3], expected * (1 - 3e-7), expected * (1 + 3e-7));
        }
    }

    [Fact]
    public void PoolRunsEveryPieceOnce()
    {
        using var pool = new WorkerPool(4);
        for (int round = 0; round < 300; round++)
        {
            var seen = new int[round];
            pool.Each(round, item => Interlocked.Increment(ref seen[item]));
            pool.Divide(round, (from, to) =>
            {
                for (int i = from; i < to; i++)
                {
                    Interlocked.Increment(ref seen[i]);
                }
            });
            Assert.All(seen, count => Assert.Equal(2, count));
        }

        Assert.Throws<InvalidOperationException>(() => pool.Each(9, item => throw new InvalidOperationException($"{item}")));
        pool.Each(9, _ => { });
    }
}
