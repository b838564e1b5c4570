using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>Sums of the columns of a float32 matrix: the last step of weight gradients, always in the same order.</summary>
internal static class ColumnSum
{
    // Of a block, which has as many warps.
    private const int Columns = 32;
    private static readonly CudaKernel ToFloat32 = CudaKernel.Get("column_sum.cu", "column_sum", ("WEIGHT", "float"));
    private static readonly CudaKernel ToBFloat16 = CudaKernel.Get("column_sum.cu", "column_sum", ("WEIGHT", "bf16"));

    /// <summary>(P, N) in float32 to (N) in a type.</summary>
    public static Tensor Of(Tensor partial_PN, ScalarType type)
    {
        long[] shape = partial_PN.shape;
        Tensor sums = empty(shape[1], dtype: type, device: partial_PN.device);
        (type == ScalarType.BFloat16 ? ToBFloat16 : ToFloat32).Launch((shape[1] + Columns - 1) / Columns, 32 * Columns, 0, partial_PN, sums, (int)shape[0], (int)shape[1]);
        return sums;
    }
}
