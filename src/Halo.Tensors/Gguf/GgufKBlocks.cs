namespace Halo.Tensors;

/// <summary>The blocks of 256 values of GGML (K quants): scales of smaller blocks are quantised themselves. All arithmetic is float32, as in GGML.</summary>
internal static class GgufKBlocks
{
    private const int Values = 256;

    /// <summary>2 bits; 16 scales and minima of 4 bits each, then q, d, dmin.</summary>
    public static void Q2(ReadOnlySpan<byte> block, Span<float> values)
    {
        (float d, float minimum) = (GgufBlocks.Float16(block[80..]), GgufBlocks.Float16(block[82..]));
        int next = 0;
        for (int at = 0; at < 64; at += 32)
        {
            for (int shift = 0; shift < 8; shift += 2)
            {
                for (int half = 0; half < 32; half += 16)
                {
                    byte scale = block[next / 16];
                    (float dl, float ml) = (d * (scale & 15), minimum * (scale >> 4));
                    for (int l = 0; l < 16; l++)
                    {
                        values[next++] = (dl * ((block[16 + at + half + l] >> shift) & 3)) - ml;
                    }
                }
            }
        }
    }

    /// <summary>3 bits, the third apart; 16 scales of 6 bits, then d.</summary>
    public static void Q3(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> high = block[..32], q = block[32..96], packed = block[96..108];
        float d = GgufBlocks.Float16(block[108..]);
        int next = 0;
        for (int at = 0, bit = 0; at < 64; at += 32)
        {
            for (int shift = 0; shift < 8; shift += 2, bit++)
            {
                for (int half = 0; half < 32; half += 16)
                {
                    float dl = d * (Scale(packed, next / 16) - 32);
                    for (int l = half; l < half + 16; l++)
                    {
                        values[next++] = dl * (((q[at + l] >> shift) & 3) - ((high[l] >> bit & 1) == 1 ? 0 : 4));
                    }
                }
            }
        }

        // Low four bits of scales 0-7 and 8-15 share eight bytes, their high two bits four bytes.
        static int Scale(ReadOnlySpan<byte> packed, int i) => (i < 8 ? packed[i] & 15 : packed[i - 8] >> 4) | ((packed[8 + (i % 4)] >> (2 * (i / 4)) & 3) << 4);
    }

    /// <summary>4 bits; d, dmin, 8 scales and minima of 6 bits, then q.</summary>
    public static void Q4(ReadOnlySpan<byte> block, Span<float> values) => FourOrFive(block, [], block[16..], values);

    /// <summary>5 bits, the fifth apart; d, dmin, 8 scales and minima of 6 bits, then the fifth bits, then q.</summary>
    public static void Q5(ReadOnlySpan<byte> block, Span<float> values) => FourOrFive(block, block[16..48], block[48..], values);

    /// <summary>6 bits, the upper two apart; 16 scales of 8 bits, then d.</summary>
    public static void Q6(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = GgufBlocks.Float16(block[208..]);
        for (int part = 0; part < 2; part++)
        {
            ReadOnlySpan<byte> low = block[(64 * part)..], high = block[(128 + (32 * part))..], scales = block[(192 + (8 * part))..];
            for (int i = 0; i < Values / 2; i++)
            {
                int l = i % 32, quarter = i / 32;
                int nibble = quarter < 2 ? low[l + (32 * quarter)] & 15 : low[l + (32 * (quarter - 2))] >> 4;
                int q = (nibble | ((high[l] >> (2 * quarter) & 3) << 4)) - 32;
                values[(part * Values / 2) + i] = d * (sbyte)scales[i / 16] * q;
            }
        }
    }

    private static void FourOrFive(ReadOnlySpan<byte> block, ReadOnlySpan<byte> fifth, ReadOnlySpan<byte> q, Span<float> values)
    {
        (float d, float minimum) = (GgufBlocks.Float16(block), GgufBlocks.Float16(block[2..]));
        ReadOnlySpan<byte> packed = block[4..16];
        for (int group = 0; group < 8; group++)
        {
            (int scale, int least) = group < 4
                ? (packed[group] & 63, packed[group + 4] & 63)
                : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
            (float dl, float ml) = (d * scale, minimum * least);
            for (int l = 0; l < 32; l++)
            {
                byte pair = q[(group / 2 * 32) + l];
                int value = group % 2 == 0 ? pair & 15 : pair >> 4;
                value |= fifth.IsEmpty ? 0 : (fifth[l] >> group & 1) << 4;
                values[(group * 32) + l] = (dl * value) - ml;
            }
        }
    }
}
