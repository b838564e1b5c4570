namespace Halo.Kernels.Cpu;

/// <summary>Rounding of 32 neighbours of a row to few bits.</summary>
internal static class BlockRounding
{
    private static readonly float[] Shrinks = [0, 0.03f, 0.06f, 0.1f];

    /// <summary>
    /// <c>w = s code + m</c>, code in 0..15, s and m in float16. Of several ranges, the block's own first, the one with the least squared error is taken;
    /// a block that was stored so before comes back as it was.
    /// </summary>
    public static (Half Scale, Half Minimum) Int4(ReadOnlySpan<float> block, Span<byte> codes)
    {
        float low = float.PositiveInfinity, high = float.NegativeInfinity;
        foreach (float w in block)
        {
            low = Math.Min(low, w);
            high = Math.Max(high, w);
        }

        float range = high - low;
        (Half Scale, Half Minimum) best = default;
        float least = float.PositiveInfinity;
        Span<byte> tried = stackalloc byte[codes.Length];
        foreach (float shrinkLow in Shrinks)
        {
            foreach (float shrinkHigh in Shrinks)
            {
                float from = low + (shrinkLow * range);
                var scale = (Half)((high - (shrinkHigh * range) - from) / 15);
                var minimum = (Half)from;
                float error = Try(block, (float)scale, (float)minimum, tried);
                if (error < least)
                {
                    (least, best) = (error, (scale, minimum));
                    tried.CopyTo(codes);
                }

                if (least <= 1e-9f * range * range)
                {
                    return best;
                }
            }
        }

        return best;
    }

    /// <summary><c>w = s (code - 128)</c>, code in 1..255, s in float16.</summary>
    public static Half Int8(ReadOnlySpan<float> block, Span<byte> codes)
    {
        float greatest = 0;
        foreach (float w in block)
        {
            greatest = Math.Max(greatest, Math.Abs(w));
        }

        var scale = (Half)(greatest / 127);
        float inverse = (float)scale > 0 ? 1 / (float)scale : 0;
        for (int i = 0; i < block.Length; i++)
        {
            codes[i] = (byte)(128 + Math.Clamp((int)MathF.Round(block[i] * inverse), -127, 127));
        }

        return scale;
    }

    private static float Try(ReadOnlySpan<float> block, float scale, float minimum, Span<byte> codes)
    {
        float inverse = scale > 0 ? 1 / scale : 0, error = 0;
        for (int i = 0; i < block.Length; i++)
        {
            float code = Math.Clamp(MathF.Round((block[i] - minimum) * inverse), 0, 15);
            float difference = block[i] - ((code * scale) + minimum);
            codes[i] = (byte)code;
            error += difference * difference;
        }

        return error;
    }
}
