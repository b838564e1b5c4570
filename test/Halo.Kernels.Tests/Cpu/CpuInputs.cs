using Halo.Kernels.Cpu;

namespace Halo.Kernels.Tests.Cpu;

/// <summary>Random values for kernels on raw memory.</summary>
internal static unsafe class CpuInputs
{
    public static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 1.3))];
    }

    public static NativeBlock Block(float[] values, int spare = 64)
    {
        var block = new NativeBlock((values.Length + spare) * sizeof(float));
        values.CopyTo(new Span<float>(block.Floats, values.Length));
        return block;
    }

    public static void Near(double[] expected, Func<int, float> actual, double tolerance)
    {
        double greatest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual(i)) <= tolerance * greatest, $"{i}: {expected[i]} and {actual(i)}, greatest {greatest}");
        }
    }
}
