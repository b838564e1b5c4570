using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// SwiGLU with its matrices, <c>y = SiLU(x W_gate^T) * (x W_up^T)</c> (arXiv 2002.05202), of many rows at once and without gradients: both products meet in registers,
/// where one after the other writes and reads twice the size of y. M rows, K inputs, N outputs.
/// </summary>
internal static class SwiGluProduct
{
    // wgmma is of this compute capability and of no other.
    private const int Capability = 90;
    private const int LeastRows = 512;
    private const double LeastShare = 0.8; // of the card's work that is not for nothing, below which a library's products are faster
    private const int Vector = 8;          // 16 bytes, of which rows must be multiples
    private const int Threads = 384;
    private const int Cluster = 2;
    private const int Side = 128;          // of a tile
    private const int BoxBytes = Side * 128;
    private const int SharedBytes = (4 * 3 * BoxBytes) + (2 * BoxBytes) + 1024; // stages, results, and to begin at a multiple of 1,024
    private static readonly CudaKernel Kernel = CudaKernel.Get("swiglu_product.cu", "swiglu_product");

    /// <summary>Whether the kernel does these inputs faster than one product after the other.</summary>
    /// <param name="x">(..., K).</param>
    /// <param name="outputs">N.</param>
    public static bool Serves(Tensor x, long outputs)
    {
        if (x.dtype != ScalarType.BFloat16 || is_grad_enabled() || !CudaKernels.Serve(x))
        {
            return false;
        }

        var device = CudaDevice.Of(x.device_index);
        long inputs = x.size(-1), rows = x.NumberOfElements / Math.Max(1, inputs);
        return device.Capability == Capability && rows is >= LeastRows and <= int.MaxValue && outputs <= int.MaxValue && inputs >= Vector && inputs % Vector == 0 && outputs % Vector == 0
            && UsefulShare(rows, outputs, device.Multiprocessors / Cluster) >= LeastShare;
    }

    /// <summary>The kernel; <see cref="Serves"/> has been asked.</summary>
    /// <param name="x">(..., K), bfloat16.</param>
    /// <param name="gate_NK">W_gate, bfloat16.</param>
    /// <param name="up_NK">W_up, bfloat16.</param>
    /// <returns>(..., N), bfloat16; sums are float32 up to the end.</returns>
    public static Tensor Forward(Tensor x, Tensor gate_NK, Tensor up_NK)
    {
        using DisposeScope scope = NewDisposeScope();
        long outputs = gate_NK.shape[0], inputs = gate_NK.shape[1];
        Tensor x_MK = KernelInputs.Ready(x).view(-1, inputs), gateReady_NK = KernelInputs.Ready(gate_NK), upReady_NK = KernelInputs.Ready(up_NK);
        Tensor y_MN = empty(x_MK.shape[0], outputs, ScalarType.BFloat16, x.device);
        var device = CudaDevice.Of(x.device_index);
        using CudaScope entered = device.Enter();
        Kernel.Launch(
            Cluster * Math.Min(device.Multiprocessors / Cluster, Tiles(x_MK.shape[0], outputs)), Threads, SharedBytes,
            TensorMap.OfRows(x_MK, Side), TensorMap.OfRows(gateReady_NK, Side), TensorMap.OfRows(upReady_NK, Side), TensorMap.OfRows(y_MN, Side / 2), (int)x_MK.shape[0], (int)outputs, (int)inputs);
        return y_MN.view([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }

    /// <summary>The share of the clusters' time that goes into outputs: the rest waits for the last tiles, or is for rows and columns beyond the edges.</summary>
    internal static double UsefulShare(long rows, long outputs, int clusters)
    {
        long rounds = (Tiles(rows, outputs) + clusters - 1) / clusters;
        return (double)rows * outputs / ((double)rounds * clusters * Cluster * Side * Side);
    }

    /// <summary>Of a cluster each.</summary>
    private static long Tiles(long rows, long outputs) => ((rows + (Cluster * Side) - 1) / (Cluster * Side)) * ((outputs + Side - 1) / Side);
}
