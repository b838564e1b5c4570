using Halo.Kernels.Cpu;

namespace Halo.Kernels.Tests.Cpu;

/// <summary>Products with packed matrices beside plain sums in float64 over the weights and the inputs as they were rounded.</summary>
public unsafe class ProductTests
{
    public static TheoryData<string, string> Cases => [.. Enum.GetNames<PackedFormat>().SelectMany(format => CpuPaths.Known.Select(path => (format, path.ToString())))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryShape(string formatName, string pathName)
    {
        PackedFormat format = Enum.Parse<PackedFormat>(formatName);
        CpuPath path = Enum.Parse<CpuPath>(pathName);
        using var pool = new WorkerPool(3);
        foreach ((int n, int k) in new[] { (16, 32), (50, 48), (130, 576), (5, 1056) })
        {
            float[] weights = CpuInputs.Values(n * k, n);
            using NativeBlock source = CpuInputs.Block(weights);
            using var w = new PackedMatrix(format, n, k);
            w.SetRows(pool, 0, source.Floats, n);
            foreach (int rows in new[] { 1, 2, 4, 7, 33 })
            {
                using var x = new QuantizedRows(rows, k);
                for (int t = 0; t < rows; t++)
                {
                    CpuInputs.Values(k, 100 + t).CopyTo(new Span<float>(x.Row(t), k));
                    x.Quantize(t);
                }

                int stride = w.Groups * 16;
                using var y = new NativeBlock((rows + 3) / 4 * 4 * stride * sizeof(float));
                Products.Multiply(pool, w, x, rows, y.Floats, stride, path);
                CpuInputs.Near(Plain(w, x, rows), i => y.Floats[(i / n * stride) + (i % n)], 2e-6);
            }
        }
    }

    [Theory]
    [InlineData("Float32", 0)]
    [InlineData("BFloat16", 0.004)]
    [InlineData("Int8", 0.005)]
    [InlineData("Int4", 0.09)]
    public void RoundingIsSmall(string formatName, double bound)
    {
        using var pool = new WorkerPool(1);
        float[] weights = CpuInputs.Values(20 * 256, 1);
        using NativeBlock source = CpuInputs.Block(weights);
        using var w = new PackedMatrix(Enum.Parse<PackedFormat>(formatName), 20, 256);
        w.SetRows(pool, 0, source.Floats, 20);
        var row = new float[256];
        double error = 0, size = 0;
        for (int n = 0; n < 20; n++)
        {
            w.GetRow(n, row);
            for (int k = 0; k < 256; k++)
            {
                error += Math.Pow(row[k] - weights[(n * 256) + k], 2);
                size += Math.Pow(weights[(n * 256) + k], 2);
            }
        }

        Assert.True(Math.Sqrt(error / size) <= bound, $"{Math.Sqrt(error / size)}");
    }

    /// <summary>What a file had in four bits with scale and minimum comes back as it was.</summary>
    [Fact]
    public void FourBitsOfAFileStay()
    {
        var random = new Random(3);
        using var pool = new WorkerPool(1);
        var weights = new float[32 * 64];
        for (int block = 0; block < 64; block++)
        {
            (float scale, float minimum) = ((float)(Half)(0.01 + random.NextDouble()), (float)(Half)(random.NextDouble() - 1));
            for (int i = 0; i < 32; i++)
            {
                weights[(block * 32) + i] = ((i < 16 ? i : random.Next(16)) * scale) + minimum;
            }
        }

        using NativeBlock source = CpuInputs.Block(weights);
        using var w = new PackedMatrix(PackedFormat.Int4, 16, 128);
        w.SetRows(pool, 0, source.Floats, 16);
        var row = new float[128];
        for (int n = 0; n < 16; n++)
        {
            w.GetRow(n, row);
            CpuInputs.Near([.. weights[(n * 128)..((n + 1) * 128)].Select(one => (double)one)], k => row[k], 1e-6);
        }
    }

    private static double[] Plain(PackedMatrix w, QuantizedRows x, int rows)
    {
        var result = new double[rows * w.Rows];
        var row = new float[w.Columns];
        for (int n = 0; n < w.Rows; n++)
        {
            w.GetRow(n, row);
            for (int t = 0; t < rows; t++)
            {
                double sum = 0;
                for (int k = 0; k < w.Columns; k++)
                {
                    int at = (t * x.Stride) + k;
                    sum += row[k] * (w.IsInteger ? (double)x.Scales[at / 32] * x.Codes[at] : x.Row(t)[k]);
                }

                result[(t * w.Rows) + n] = sum;
            }
        }

        return result;
    }
}
