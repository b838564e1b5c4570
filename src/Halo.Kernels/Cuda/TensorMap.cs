using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Halo.Kernels.Cuda;

/// <summary>
/// A map of a bfloat16 tensor, by which kernels copy boxes of it to shared memory (CUtensorMap; compute capability 9.0 and later): rows of 128 bytes, swizzled
/// by 128 bytes; what of a box lies outside reads as zeros and is not written. Make it where the card's context is the calling thread's.
/// </summary>
internal sealed unsafe class TensorMap
{
    /// <summary>Bytes.</summary>
    public const int Size = 128;

    private const int Alignment = 64;
    private const int BFloat16 = 9;
    private const int Swizzle128 = 3;
    private const int Promotion256 = 3;
    private const int Width = 64; // bfloat16 values of a row of 128 bytes
    private readonly long[] _words = new long[Size / sizeof(long)];

    private TensorMap(Tensor tensor) => Tensor = tensor;

    /// <summary>What it is a map of.</summary>
    public Tensor Tensor { get; }

    /// <summary>Its bytes.</summary>
    public ReadOnlySpan<long> Value => _words;

    /// <summary>A map of a matrix in boxes of <paramref name="rows"/> rows and 64 columns.</summary>
    /// <param name="matrix">Two-dimensional bfloat16 on a card, columns side by side, its first element and its rows at multiples of 16 bytes.</param>
    /// <param name="rows">1 to 256.</param>
    /// <exception cref="Halo.Core.HaloException">The driver refuses.</exception>
    public static TensorMap OfRows(Tensor matrix, int rows) =>
        Make(matrix, [(ulong)matrix.shape[1], (ulong)matrix.shape[0]], [(ulong)matrix.stride(0) * sizeof(ushort)], [Width, (uint)rows]);

    /// <summary>A map of a matrix (N,K) as (K/64, N, 64): boxes of <paramref name="rows"/> rows and <paramref name="chunks"/> times 64 columns, which lie one behind the other.</summary>
    /// <param name="matrix_NK">Contiguous bfloat16, K a multiple of 64, on a card.</param>
    /// <param name="rows">1 to 256.</param>
    /// <param name="chunks">1 to 256.</param>
    /// <exception cref="Halo.Core.HaloException">The driver refuses.</exception>
    public static TensorMap OfColumns(Tensor matrix_NK, int rows, int chunks)
    {
        ulong outputs = (ulong)matrix_NK.shape[0], inputs = (ulong)matrix_NK.shape[1];
        return Make(matrix_NK, [Width, outputs, inputs / Width], [inputs * sizeof(ushort), Width * sizeof(ushort)], [Width, (uint)rows, (uint)chunks]);
    }

    /// <summary>A map from sizes, strides in bytes of all dimensions but the first, and a box, innermost dimension first.</summary>
    private static TensorMap Make(Tensor tensor, ReadOnlySpan<ulong> sizes, ReadOnlySpan<ulong> strides, ReadOnlySpan<uint> box)
    {
        var map = new TensorMap(tensor);
        Span<uint> steps = stackalloc uint[box.Length];
        steps.Fill(1);
        void* place = NativeMemory.AlignedAlloc(Size, Alignment);
        try
        {
            fixed (ulong* size = sizes, stride = strides)
            fixed (uint* side = box, step = steps)
            {
                CudaDevice.Check(
                    CudaDriver.EncodeTensorMap(place, BFloat16, (uint)sizes.Length, KernelArgument.Data(tensor), size, stride, side, step, 0, Swizzle128, Promotion256, 0), "cuTensorMapEncodeTiled");
            }

            new ReadOnlySpan<long>(place, map._words.Length).CopyTo(map._words);
        }
        finally
        {
            NativeMemory.AlignedFree(place);
        }

        return map;
    }
}
