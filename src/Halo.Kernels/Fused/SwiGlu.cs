using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>SwiGLU without its matrices: <c>y = SiLU(g) u = g sigmoid(g) u</c> (arXiv 2002.05202).</summary>
internal static class SwiGlu
{
    private static readonly ProductKernels Products = new("swiglu");

    /// <summary>Whether the kernels do these inputs.</summary>
    public static bool Serves(Tensor gate, Tensor up) => KernelInputs.Fit(gate) && up.dtype == gate.dtype && up.NumberOfElements == gate.NumberOfElements;

    /// <summary>The reference.</summary>
    public static Tensor Plain(Tensor gate, Tensor up)
    {
        using DisposeScope scope = NewDisposeScope();
        return (nn.functional.silu(gate) * up).MoveToOuterDisposeScope();
    }

    /// <summary>The kernel where it serves, else the reference.</summary>
    public static Tensor Forward(Tensor gate, Tensor up) => Serves(gate, up) ? Products.Apply(gate, up) : Plain(gate, up);
}
