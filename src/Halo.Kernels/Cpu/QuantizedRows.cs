using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>Rows of activations as a product takes them: float32 padded with zeros to whole blocks of 32, and in 8 bits with a scale and the sum of each block.</summary>
internal sealed unsafe class QuantizedRows : IDisposable
{
    /// <summary>Neighbours that share a scale.</summary>
    public const int Block = 32;

    private readonly NativeBlock _values;
    private readonly NativeBlock _codes;
    private readonly NativeBlock _scales;
    private readonly NativeBlock _sums;

    /// <param name="rows">Most rows.</param>
    /// <param name="columns">Most columns.</param>
    public QuantizedRows(int rows, int columns)
    {
        // A product takes four rows at a time, whatever the last of them hold.
        rows = (rows + 3) / 4 * 4;
        Rows = rows;
        Stride = Padded(columns);
        _values = new NativeBlock((long)rows * Stride * sizeof(float));
        _codes = new NativeBlock((long)rows * Stride);
        _scales = new NativeBlock((long)rows * Stride / Block * sizeof(float));
        _sums = new NativeBlock((long)rows * Stride / Block * sizeof(float));
    }

    /// <summary>Room in rows.</summary>
    public int Rows { get; }

    /// <summary>Values from a row to the next.</summary>
    public int Stride { get; }

    public sbyte* Codes => (sbyte*)_codes.Pointer;

    public float* Scales => _scales.Floats;

    /// <summary>Scale times the sum of a block's codes.</summary>
    public float* Sums => _sums.Floats;

    /// <summary>Columns in whole blocks.</summary>
    public static int Padded(int columns) => (columns + Block - 1) / Block * Block;

    /// <summary>A row to write into, float32.</summary>
    public float* Row(int row) => _values.Floats + ((long)row * Stride);

    /// <summary>Rounds a row that was written: <c>scale = max |x| / 127</c>.</summary>
    public void Quantize(int row)
    {
        float* x = Row(row);
        sbyte* codes = Codes + ((long)row * Stride);
        long first = (long)row * Stride / Block;
        for (int block = 0; block < Stride / Block; block++, x += Block, codes += Block)
        {
            Vector512<float> a = Vector512.Load(x), b = Vector512.Load(x + 16);
            Vector512<float> most = Vector512.MaxNative(Vector512.Abs(a), Vector512.Abs(b));
            Vector256<float> half = Vector256.MaxNative(most.GetLower(), most.GetUpper());
            Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
            quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
            float greatest = Math.Max(quarter[0], quarter[1]);
            float inverse = greatest > 0 ? 127 / greatest : 0;
            Vector512<int> left = Vector512.ConvertToInt32Native(Vector512.Round(a * inverse)), right = Vector512.ConvertToInt32Native(Vector512.Round(b * inverse));
            Vector512<short> words = Vector512.Narrow(left, right);
            Vector256.Narrow(words.GetLower(), words.GetUpper()).Store(codes);
            float scale = greatest / 127;
            Scales[first + block] = scale;
            Sums[first + block] = scale * Vector512.Sum(left + right);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _codes.Dispose();
        _scales.Dispose();
        _sums.Dispose();
    }
}
