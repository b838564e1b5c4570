using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>One row of activations times groups of a float32 or bfloat16 matrix; a lane is a row, so nothing is summed across lanes.</summary>
internal static unsafe class FloatVector
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Float32(PackedMatrix w, float* x, float* y, int from, int to)
    {
        for (int group = from; group < to; group++)
        {
            var at = (float*)w.GroupAt(group);
            Vector512<float> a = default, b = default, c = default, d = default;
            for (int k = 0; k < w.PaddedColumns; k += 4, at += 64)
            {
                a = Vector512.MultiplyAddEstimate(Vector512.Load(at), Vector512.Create(x[k]), a);
                b = Vector512.MultiplyAddEstimate(Vector512.Load(at + 16), Vector512.Create(x[k + 1]), b);
                c = Vector512.MultiplyAddEstimate(Vector512.Load(at + 32), Vector512.Create(x[k + 2]), c);
                d = Vector512.MultiplyAddEstimate(Vector512.Load(at + 48), Vector512.Create(x[k + 3]), d);
            }

            ((a + b) + (c + d)).Store(y + (group * PackedMatrix.Group));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void BFloat16(PackedMatrix w, float* x, float* y, int from, int to)
    {
        for (int group = from; group < to; group++)
        {
            var at = (uint*)w.GroupAt(group);
            Vector512<float> a = default, b = default, c = default, d = default;
            for (int k = 0; k < w.PaddedColumns; k += 4, at += 32)
            {
                Streams.Fetch(at);
                Streams.Fetch(at + 16);
                Vector512<uint> first = Vector512.Load(at), second = Vector512.Load(at + 16);
                a = Vector512.MultiplyAddEstimate(Halves.Even(first), Vector512.Create(x[k]), a);
                b = Vector512.MultiplyAddEstimate(Halves.Odd(first), Vector512.Create(x[k + 1]), b);
                c = Vector512.MultiplyAddEstimate(Halves.Even(second), Vector512.Create(x[k + 2]), c);
                d = Vector512.MultiplyAddEstimate(Halves.Odd(second), Vector512.Create(x[k + 3]), d);
            }

            ((a + b) + (c + d)).Store(y + (group * PackedMatrix.Group));
        }
    }
}
