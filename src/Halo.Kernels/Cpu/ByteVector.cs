using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>
/// One row of activations in 8 bits times groups of a matrix in 8 or 4 bits. A block of 32 columns gives
/// <c>s_w s_x (sum of codes) + m_w (s_x sum of x's codes)</c>; the sums of codes are exact.
/// </summary>
internal static unsafe class ByteVector
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Int4<TDot>(PackedMatrix w, QuantizedRows x, float* y, int from, int to)
        where TDot : struct, IByteDot
    {
        Vector256<byte> mask = Vector256.Create((byte)15);
        for (int group = from; group < to; group++)
        {
            byte* at = w.GroupAt(group);
            sbyte* codes = x.Codes;
            Vector256<float> y0 = default, y1 = default;
            for (int block = 0; block < w.PaddedColumns / 32; block++, at += 320, codes += 32)
            {
                Vector256<int> a0 = default, a1 = default, b0 = default, b1 = default;
                for (int j = 0; j < 4; j++)
                {
                    Streams.Fetch(at + (j * 80));
                    Vector256<byte> v0 = Vector256.Load(at + (j * 32)), v1 = Vector256.Load(at + 128 + (j * 32));
                    Vector256<sbyte> low = Four(codes + (4 * j)), high = Four(codes + 16 + (4 * j));
                    a0 = TDot.Add(a0, v0 & mask, low);
                    a1 = TDot.Add(a1, v1 & mask, low);
                    b0 = TDot.Add(b0, (v0.AsUInt16() >> 4).AsByte() & mask, high);
                    b1 = TDot.Add(b1, (v1.AsUInt16() >> 4).AsByte() & mask, high);
                }

                Vector256<float> scale = Vector256.Create(x.Scales[block]), sum = Vector256.Create(x.Sums[block]);
                y0 = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(a0 + b0), Halves.Load8(at + 256) * scale, y0);
                y1 = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(a1 + b1), Halves.Load8(at + 272) * scale, y1);
                y0 = Vector256.MultiplyAddEstimate(Halves.Load8(at + 288), sum, y0);
                y1 = Vector256.MultiplyAddEstimate(Halves.Load8(at + 304), sum, y1);
            }

            y0.Store(y + (group * PackedMatrix.Group));
            y1.Store(y + (group * PackedMatrix.Group) + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Int8<TDot>(PackedMatrix w, QuantizedRows x, float* y, int from, int to)
        where TDot : struct, IByteDot
    {
        for (int group = from; group < to; group++)
        {
            byte* at = w.GroupAt(group);
            sbyte* codes = x.Codes;
            Vector256<float> y0 = default, y1 = default;
            for (int block = 0; block < w.PaddedColumns / 32; block++, at += 544, codes += 32)
            {
                Vector256<int> a0 = default, a1 = default, b0 = default, b1 = default;
                for (int j = 0; j < 8; j += 2)
                {
                    Streams.Fetch(at + (j * 64));
                    Streams.Fetch(at + (j * 64) + 64);
                    Vector256<sbyte> even = Four(codes + (4 * j)), odd = Four(codes + (4 * j) + 4);
                    a0 = TDot.Add(a0, Vector256.Load(at + (j * 32)), even);
                    a1 = TDot.Add(a1, Vector256.Load(at + 256 + (j * 32)), even);
                    b0 = TDot.Add(b0, Vector256.Load(at + (j * 32) + 32), odd);
                    b1 = TDot.Add(b1, Vector256.Load(at + 256 + (j * 32) + 32), odd);
                }

                Vector256<float> scale = Vector256.Create(x.Scales[block]), sum = Vector256.Create(-128 * x.Sums[block]);
                Vector256<float> s0 = Halves.Load8(at + 512), s1 = Halves.Load8(at + 528);
                y0 = Vector256.MultiplyAddEstimate(s0, Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(a0 + b0), scale, sum), y0);
                y1 = Vector256.MultiplyAddEstimate(s1, Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(a1 + b1), scale, sum), y1);
            }

            y0.Store(y + (group * PackedMatrix.Group));
            y1.Store(y + (group * PackedMatrix.Group) + 8);
        }
    }

    /// <summary>Four bytes in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Four(sbyte* at) => Vector256.Create(*(int*)at).AsSByte();
}
