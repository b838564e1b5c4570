using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>Many rows of activations times one group of 16 rows in 8 or 4 bits: the group is unpacked once and serves tiles of four rows.</summary>
internal static unsafe class ByteTiles
{
    [ThreadStatic]
    private static NativeBlock? _scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TDot>(PackedMatrix w, QuantizedRows x, int rows, float* y, int stride, int group)
        where TDot : struct, IByteDot
    {
        int blocks = w.PaddedColumns / 32;
        long needed = (long)blocks * (512 + 128);
        if (_scratch is null || _scratch.Bytes < needed)
        {
            _scratch?.Dispose();
            _scratch = new NativeBlock(needed);
        }

        byte* codes = _scratch.Pointer;
        var factors = (float*)(codes + ((long)blocks * 512));
        Unpack(w, group, codes, factors);
        for (int row = 0; row < rows; row += 4)
        {
            Tile<TDot>(codes, factors, blocks, x, row, y + ((long)row * stride) + (group * PackedMatrix.Group), stride);
        }
    }

    /// <summary>Codes in bytes, as <see cref="PackedFormat.Int8"/> has them; 16 scales and 16 minima of each block in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(PackedMatrix w, int group, byte* codes, float* factors)
    {
        byte* at = w.GroupAt(group);
        Vector256<byte> mask = Vector256.Create((byte)15);
        for (int block = 0; block < w.PaddedColumns / 32; block++, at += w.BlockBytes, codes += 512, factors += 32)
        {
            if (w.Format == PackedFormat.Int8)
            {
                Buffer.MemoryCopy(at, codes, 512, 512);
                for (int half = 0; half < 2; half++)
                {
                    Vector256<float> scale = Halves.Load8(at + 512 + (half * 16));
                    scale.Store(factors + (half * 8));
                    (scale * -128).Store(factors + 16 + (half * 8));
                }

                continue;
            }

            for (int half = 0; half < 2; half++)
            {
                for (int j = 0; j < 4; j++)
                {
                    Vector256<byte> both = Vector256.Load(at + (half * 128) + (j * 32));
                    (both & mask).Store(codes + (half * 256) + (j * 32));
                    ((both.AsUInt16() >> 4).AsByte() & mask).Store(codes + (half * 256) + 128 + (j * 32));
                }

                Halves.Load8(at + 256 + (half * 16)).Store(factors + (half * 8));
                Halves.Load8(at + 288 + (half * 16)).Store(factors + 16 + (half * 8));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TDot>(byte* w, float* factors, int blocks, QuantizedRows rows, int row, float* y, int stride)
        where TDot : struct, IByteDot
    {
        int step = rows.Stride;
        sbyte* x = rows.Codes + ((long)row * step);
        int scaleStep = step / 32;
        float* scales = rows.Scales + ((long)row * scaleStep);
        float* sums = rows.Sums + ((long)row * scaleStep);
        Vector256<float> y00 = default, y01 = default, y10 = default, y11 = default, y20 = default, y21 = default, y30 = default, y31 = default;
        for (int block = 0; block < blocks; block++, w += 512, factors += 32, x += 32, scales++, sums++)
        {
            Vector256<int> i00 = default, i01 = default, i10 = default, i11 = default, i20 = default, i21 = default, i30 = default, i31 = default;
            for (int j = 0; j < 8; j++)
            {
                Vector256<byte> w0 = Vector256.Load(w + (j * 32)), w1 = Vector256.Load(w + 256 + (j * 32));
                Vector256<sbyte> four = ByteVector.Four(x + (4 * j));
                i00 = TDot.Add(i00, w0, four);
                i01 = TDot.Add(i01, w1, four);
                four = ByteVector.Four(x + step + (4 * j));
                i10 = TDot.Add(i10, w0, four);
                i11 = TDot.Add(i11, w1, four);
                four = ByteVector.Four(x + (2 * step) + (4 * j));
                i20 = TDot.Add(i20, w0, four);
                i21 = TDot.Add(i21, w1, four);
                four = ByteVector.Four(x + (3 * step) + (4 * j));
                i30 = TDot.Add(i30, w0, four);
                i31 = TDot.Add(i31, w1, four);
            }

            Vector256<float> s0 = Vector256.Load(factors), s1 = Vector256.Load(factors + 8), m0 = Vector256.Load(factors + 16), m1 = Vector256.Load(factors + 24);
            Gain(ref y00, ref y01, i00, i01, scales[0], sums[0], s0, s1, m0, m1);
            Gain(ref y10, ref y11, i10, i11, scales[scaleStep], sums[scaleStep], s0, s1, m0, m1);
            Gain(ref y20, ref y21, i20, i21, scales[2 * scaleStep], sums[2 * scaleStep], s0, s1, m0, m1);
            Gain(ref y30, ref y31, i30, i31, scales[3 * scaleStep], sums[3 * scaleStep], s0, s1, m0, m1);
        }

        y00.Store(y);
        y01.Store(y + 8);
        y10.Store(y + stride);
        y11.Store(y + stride + 8);
        y20.Store(y + (2L * stride));
        y21.Store(y + (2L * stride) + 8);
        y30.Store(y + (3L * stride));
        y31.Store(y + (3L * stride) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gain(
        ref Vector256<float> y0, ref Vector256<float> y1, Vector256<int> i0, Vector256<int> i1, float scale, float sum,
        Vector256<float> s0, Vector256<float> s1, Vector256<float> m0, Vector256<float> m1)
    {
        Vector256<float> scales = Vector256.Create(scale), sums = Vector256.Create(sum);
        y0 = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(i0), s0 * scales, Vector256.MultiplyAddEstimate(m0, sums, y0));
        y1 = Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(i1), s1 * scales, Vector256.MultiplyAddEstimate(m1, sums, y1));
    }
}
