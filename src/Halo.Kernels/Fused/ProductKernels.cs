using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>An element-by-element function of two tensors from products.cu, with its backward pass.</summary>
/// <param name="name">Name of the kernel; that of the backward pass has <c>_backward</c> behind it.</param>
internal sealed class ProductKernels(string name)
{
    private const int Threads = 256;
    private readonly CudaKernel _forward16 = Kernel(name, ScalarType.BFloat16);
    private readonly CudaKernel _forward32 = Kernel(name, ScalarType.Float32);
    private readonly CudaKernel _backward16 = Kernel(name + "_backward", ScalarType.BFloat16);
    private readonly CudaKernel _backward32 = Kernel(name + "_backward", ScalarType.Float32);

    /// <summary>The function of two tensors of one shape and type.</summary>
    public Tensor Apply(Tensor a, Tensor b)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] y = Differentiable.Apply(
            [a, b],
            _ =>
            {
                (Tensor first, Tensor second) = (KernelInputs.Ready(a), KernelInputs.Ready(b));
                Tensor output = empty_like(first);
                long count = first.NumberOfElements;
                (first.dtype == ScalarType.BFloat16 ? _forward16 : _forward32).Launch(Blocks(count, first.dtype), Threads, 0, first, second, output, count);
                return ([output], [first, second]);
            },
            (node, gradients) => gradients[0] is { } gradient ? Backward(node.Saved[0]!, node.Saved[1]!, KernelInputs.Ready(gradient)) : [null, null]);
        return y[0].MoveToOuterDisposeScope();
    }

    private static CudaKernel Kernel(string entry, ScalarType type) => CudaKernel.Get("products.cu", entry, ("ELEMENT", KernelInputs.Name(type)));

    private static long Blocks(long count, ScalarType type)
    {
        int vector = KernelInputs.Vector(type);
        return ((count / vector) + (count % vector) + Threads - 1) / Threads;
    }

    private Tensor?[] Backward(Tensor a, Tensor b, Tensor gradient)
    {
        Tensor da = empty_like(a), db = empty_like(b);
        long count = a.NumberOfElements;
        (a.dtype == ScalarType.BFloat16 ? _backward16 : _backward32).Launch(Blocks(count, a.dtype), Threads, 0, a, b, gradient, da, db, count);
        return [da, db];
    }
}
