namespace Halo.Kernels.Cpu;

/// <summary>Products of rows of activations with a <see cref="PackedMatrix"/>: <c>y = x W^T</c>. T rows of x, N rows and K columns of W.</summary>
internal static unsafe class Products
{
    /// <summary>Multiplies. Few rows stream the matrix once; more rows unpack each part of it once and go over it tile by tile.</summary>
    /// <param name="pool">Who works.</param>
    /// <param name="w">W.</param>
    /// <param name="x">T rows of x; quantised already where <paramref name="w"/> is in 8 or 4 bits.</param>
    /// <param name="rows">T.</param>
    /// <param name="y">float32, T rounded up to fours, times <paramref name="stride"/>.</param>
    /// <param name="stride">Values from a row of y to the next, at least N rounded up to 16.</param>
    /// <param name="path">Instructions for the products of bytes.</param>
    public static void Multiply(WorkerPool pool, PackedMatrix w, QuantizedRows x, int rows, float* y, int stride, CpuPath path)
    {
        if (rows == 1)
        {
            switch (w.Format, path)
            {
                case (PackedFormat.Float32, _):
                    pool.Divide(w.Groups, (from, to) => FloatVector.Float32(w, x.Row(0), y, from, to));
                    break;
                case (PackedFormat.BFloat16, _):
                    pool.Divide(w.Groups, (from, to) => FloatVector.BFloat16(w, x.Row(0), y, from, to));
                    break;
                case (PackedFormat.Int8, CpuPath.Vnni):
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int8<VnniDot>(w, x, y, from, to));
                    break;
                case (PackedFormat.Int8, CpuPath.Avx2):
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int8<Avx2ByteDot>(w, x, y, from, to));
                    break;
                case (PackedFormat.Int8, _):
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int8<PortableDot>(w, x, y, from, to));
                    break;
                case (_, CpuPath.Vnni):
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int4<VnniDot>(w, x, y, from, to));
                    break;
                case (_, CpuPath.Avx2):
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int4<Avx2NibbleDot>(w, x, y, from, to));
                    break;
                default:
                    pool.Divide(w.Groups, (from, to) => ByteVector.Int4<PortableDot>(w, x, y, from, to));
                    break;
            }
        }
        else if (!w.IsInteger)
        {
            pool.Each((w.Groups + 3) / 4, panel => FloatTiles.Multiply(w, x, rows, y, stride, panel));
        }
        else
        {
            pool.Each(w.Groups, group =>
            {
                switch (w.Format, path)
                {
                    case (_, CpuPath.Vnni):
                        ByteTiles.Multiply<VnniDot>(w, x, rows, y, stride, group);
                        break;
                    case (PackedFormat.Int4, CpuPath.Avx2):
                        ByteTiles.Multiply<Avx2NibbleDot>(w, x, rows, y, stride, group);
                        break;
                    case (_, CpuPath.Avx2):
                        ByteTiles.Multiply<Avx2ByteDot>(w, x, rows, y, stride, group);
                        break;
                    default:
                        ByteTiles.Multiply<PortableDot>(w, x, rows, y, stride, group);
                        break;
                }
            });
        }
    }
}
