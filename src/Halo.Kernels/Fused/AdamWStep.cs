using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>AdamW over flat float32 buffers as one kernel that also rounds the new weights to bfloat16. Lengths are multiples of 8.</summary>
/// <param name="Clip">Greatest norm of the gradient; 0: not clipped.</param>
/// <param name="Keep">1 - learning rate * weight decay.</param>
/// <param name="Rate1">1 - beta1.</param>
/// <param name="Rate2">1 - beta2.</param>
/// <param name="Epsilon">Epsilon times the square root of the second moment's correction.</param>
/// <param name="StepSize">Learning rate with both corrections.</param>
internal readonly record struct AdamWStep(double Clip, double Keep, double Rate1, double Rate2, double Epsilon, double StepSize)
{
    private const int Threads = 256;
    private const int PerThread = 8;
    private static readonly CudaKernel[] Kernels = [Of("float", 0), Of("float", 1), Of("bf16", 0), Of("bf16", 1)];

    /// <summary>Updates weights and moments; nothing changes where norm or loss is not finite.</summary>
    /// <param name="master">Weights, float32.</param>
    /// <param name="first">First moment, float32.</param>
    /// <param name="second">Second moment, float32.</param>
    /// <param name="gradient">Float32 or bfloat16.</param>
    /// <param name="copy">Gets the new weights in bfloat16; null for none.</param>
    /// <param name="norm">Norm of all gradients together, float32, 0-dimensional.</param>
    /// <param name="loss">Loss, float32, 0-dimensional.</param>
    public void Launch(Tensor master, Tensor first, Tensor second, Tensor gradient, Tensor? copy, Tensor norm, Tensor loss)
    {
        long count = master.NumberOfElements;
        CudaKernel kernel = Kernels[(gradient.dtype == ScalarType.BFloat16 ? 2 : 0) + (copy is null ? 0 : 1)];
        long blocks = ((count / PerThread) + Threads - 1) / Threads;
        kernel.Launch(blocks, Threads, 0, master, first, second, gradient, copy, norm, loss, count, (float)Clip, (float)Keep, (float)Rate1, (float)Rate2, (float)Epsilon, (float)StepSize);
    }

    private static CudaKernel Of(string gradient, int copy) => CudaKernel.Get("adamw.cu", "adamw", ("GRADIENT", gradient), ("COPY", copy == 0 ? "0" : "1"));
}
