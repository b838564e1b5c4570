using System.Buffers.Binary;

namespace Halo.Tensors;

/// <summary>The blocks of 32 values of GGML: scale d, for some a minimum m, and integers. All arithmetic is float32, as in GGML.</summary>
internal static class GgufBlocks
{
    private const int Half = 16;

    /// <summary>x = d (q - 8), 4 bits.</summary>
    public static void Q40(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Float16(block);
        for (int i = 0; i < Half; i++)
        {
            values[i] = d * ((block[2 + i] & 15) - 8);
            values[i + Half] = d * ((block[2 + i] >> 4) - 8);
        }
    }

    /// <summary>x = d q + m, 4 bits.</summary>
    public static void Q41(ReadOnlySpan<byte> block, Span<float> values)
    {
        (float d, float m) = (Float16(block), Float16(block[2..]));
        for (int i = 0; i < Half; i++)
        {
            values[i] = (d * (block[4 + i] & 15)) + m;
            values[i + Half] = (d * (block[4 + i] >> 4)) + m;
        }
    }

    /// <summary>x = d (q - 16), 5 bits, the fifth apart.</summary>
    public static void Q50(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Float16(block);
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
        for (int i = 0; i < Half; i++)
        {
            values[i] = d * (Five(block[6 + i] & 15, high, i) - 16);
            values[i + Half] = d * (Five(block[6 + i] >> 4, high, i + Half) - 16);
        }
    }

    /// <summary>x = d q + m, 5 bits, the fifth apart.</summary>
    public static void Q51(ReadOnlySpan<byte> block, Span<float> values)
    {
        (float d, float m) = (Float16(block), Float16(block[2..]));
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        for (int i = 0; i < Half; i++)
        {
            values[i] = (d * Five(block[8 + i] & 15, high, i)) + m;
            values[i + Half] = (d * Five(block[8 + i] >> 4, high, i + Half)) + m;
        }
    }

    /// <summary>x = d q, 8 bits.</summary>
    public static void Q80(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Float16(block);
        for (int i = 0; i < 2 * Half; i++)
        {
            values[i] = d * (sbyte)block[2 + i];
        }
    }

    /// <summary>A float16 as float32.</summary>
    public static float Float16(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    private static int Five(int low, uint high, int bit) => low | (int)((high >> bit & 1) << 4);
}
