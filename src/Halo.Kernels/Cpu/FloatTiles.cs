using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>Small products in float32 whose right side is a panel of 64 columns, rows close behind one another: <c>C += A B</c>.</summary>
internal static unsafe class FloatTiles
{
    private const int Panel = 64;
    private const int Depth = 512;

    [ThreadStatic]
    private static NativeBlock? _scratch;

    /// <summary>Rows of activations times four groups of a float32 or bfloat16 matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(PackedMatrix w, QuantizedRows x, int rows, float* y, int stride, int panel)
    {
        _scratch ??= new NativeBlock(Panel * Depth * sizeof(float));
        int first = panel * 4, groups = Math.Min(4, w.Groups - first), columns = groups * PackedMatrix.Group;
        y += first * PackedMatrix.Group;
        for (int row = 0; row < rows; row++)
        {
            new Span<float>(y + ((long)row * stride), columns).Clear();
        }

        for (int start = 0; start < w.PaddedColumns; start += Depth)
        {
            int depth = Math.Min(Depth, w.PaddedColumns - start);
            for (int group = 0; group < groups; group++)
            {
                Unpack(w, w.GroupAt(first + group) + ((long)start / 32 * w.BlockBytes), depth, _scratch.Floats + (group * PackedMatrix.Group));
            }

            Add(x.Row(0) + start, x.Stride, _scratch.Floats, Panel, y, stride, depth, rows, columns);
        }
    }

    /// <summary><c>C += A B</c>.</summary>
    /// <param name="a">A, (rows, depth).</param>
    /// <param name="aStride">From a row of A to the next.</param>
    /// <param name="b">B, (depth, columns).</param>
    /// <param name="bStride">From a row of B to the next.</param>
    /// <param name="c">C, (rows, columns).</param>
    /// <param name="cStride">From a row of C to the next.</param>
    /// <param name="depth">Inner size.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns, a multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* a, int aStride, float* b, int bStride, float* c, int cStride, int depth, int rows, int columns)
    {
        int column = 0;
        for (; column + Panel <= columns; column += Panel)
        {
            int row = 0;
            for (; row + 4 <= rows; row += 4)
            {
                Four(a + ((long)row * aStride), aStride, b + column, bStride, c + ((long)row * cStride) + column, cStride, depth);
            }

            for (; row < rows; row++)
            {
                for (int part = column; part < column + Panel; part += 16)
                {
                    One(a + ((long)row * aStride), b + part, bStride, c + ((long)row * cStride) + part, depth);
                }
            }
        }

        for (; column < columns; column += 16)
        {
            for (int row = 0; row < rows; row++)
            {
                One(a + ((long)row * aStride), b + column, bStride, c + ((long)row * cStride) + column, depth);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* a, float* b, int bStride, float* c, int depth)
    {
        Vector512<float> even = Vector512.Load(c), odd = default;
        int k = 0;
        for (; k + 2 <= depth; k += 2, b += 2 * bStride)
        {
            even = Vector512.MultiplyAddEstimate(Vector512.Load(b), Vector512.Create(a[k]), even);
            odd = Vector512.MultiplyAddEstimate(Vector512.Load(b + bStride), Vector512.Create(a[k + 1]), odd);
        }

        if (k < depth)
        {
            even = Vector512.MultiplyAddEstimate(Vector512.Load(b), Vector512.Create(a[k]), even);
        }

        (even + odd).Store(c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* a0, int aStride, float* b, int bStride, float* c0, int cStride, int depth)
    {
        float* a1 = a0 + aStride, a2 = a1 + aStride, a3 = a2 + aStride, c1 = c0 + cStride, c2 = c1 + cStride, c3 = c2 + cStride;
        Vector512<float> c00 = Vector512.Load(c0), c01 = Vector512.Load(c0 + 16), c02 = Vector512.Load(c0 + 32), c03 = Vector512.Load(c0 + 48);
        Vector512<float> c10 = Vector512.Load(c1), c11 = Vector512.Load(c1 + 16), c12 = Vector512.Load(c1 + 32), c13 = Vector512.Load(c1 + 48);
        Vector512<float> c20 = Vector512.Load(c2), c21 = Vector512.Load(c2 + 16), c22 = Vector512.Load(c2 + 32), c23 = Vector512.Load(c2 + 48);
        Vector512<float> c30 = Vector512.Load(c3), c31 = Vector512.Load(c3 + 16), c32 = Vector512.Load(c3 + 32), c33 = Vector512.Load(c3 + 48);
        for (int k = 0; k < depth; k++, b += bStride)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), b2 = Vector512.Load(b + 32), b3 = Vector512.Load(b + 48);
            Vector512<float> x = Vector512.Create(a0[k]);
            c00 = Vector512.MultiplyAddEstimate(b0, x, c00);
            c01 = Vector512.MultiplyAddEstimate(b1, x, c01);
            c02 = Vector512.MultiplyAddEstimate(b2, x, c02);
            c03 = Vector512.MultiplyAddEstimate(b3, x, c03);
            x = Vector512.Create(a1[k]);
            c10 = Vector512.MultiplyAddEstimate(b0, x, c10);
            c11 = Vector512.MultiplyAddEstimate(b1, x, c11);
            c12 = Vector512.MultiplyAddEstimate(b2, x, c12);
            c13 = Vector512.MultiplyAddEstimate(b3, x, c13);
            x = Vector512.Create(a2[k]);
            c20 = Vector512.MultiplyAddEstimate(b0, x, c20);
            c21 = Vector512.MultiplyAddEstimate(b1, x, c21);
            c22 = Vector512.MultiplyAddEstimate(b2, x, c22);
            c23 = Vector512.MultiplyAddEstimate(b3, x, c23);
            x = Vector512.Create(a3[k]);
            c30 = Vector512.MultiplyAddEstimate(b0, x, c30);
            c31 = Vector512.MultiplyAddEstimate(b1, x, c31);
            c32 = Vector512.MultiplyAddEstimate(b2, x, c32);
            c33 = Vector512.MultiplyAddEstimate(b3, x, c33);
        }

        c00.Store(c0);
        c01.Store(c0 + 16);
        c02.Store(c0 + 32);
        c03.Store(c0 + 48);
        c10.Store(c1);
        c11.Store(c1 + 16);
        c12.Store(c1 + 32);
        c13.Store(c1 + 48);
        c20.Store(c2);
        c21.Store(c2 + 16);
        c22.Store(c2 + 32);
        c23.Store(c2 + 48);
        c30.Store(c3);
        c31.Store(c3 + 16);
        c32.Store(c3 + 32);
        c33.Store(c3 + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(PackedMatrix w, byte* at, int depth, float* target)
    {
        if (w.Format == PackedFormat.Float32)
        {
            for (int k = 0; k < depth; k++)
            {
                Vector512.Load((float*)at + (k * 16)).Store(target + (k * Panel));
            }

            return;
        }

        for (int k = 0; k < depth; k += 2)
        {
            Vector512<uint> pairs = Vector512.Load((uint*)at + (k * 8));
            Halves.Even(pairs).Store(target + (k * Panel));
            Halves.Odd(pairs).Store(target + ((k + 1) * Panel));
        }
    }
}
