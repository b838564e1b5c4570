using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>What comes before the output projection: <c>y = RMSNorm(o; w) sigmoid(z)</c> (HypeNet, arXiv 2601.22156), or without the norm <c>o sigmoid(z)</c>.</summary>
internal static class GatedOutput
{
    private static readonly RowKernelFamily Kernels = new("gated_norm");
    private static readonly ProductKernels Products = new("gate");

    /// <summary>Whether the kernels do these inputs.</summary>
    /// <param name="o">Output of the mixer, (..., H D).</param>
    /// <param name="weight">Weight of the norm, or null.</param>
    /// <param name="z">Gate before the sigmoid, of the shape and type of <paramref name="o"/>.</param>
    public static bool Serves(Tensor o, Tensor? weight, Tensor z) =>
        KernelInputs.Fit(o) && z.dtype == o.dtype && z.NumberOfElements == o.NumberOfElements
        && (weight is null || (KernelInputs.IsElement(weight.dtype) && RowLayout.Fits(weight.NumberOfElements, o.dtype)));

    /// <summary>The reference.</summary>
    public static Tensor Plain(Tensor o, Tensor? weight, double epsilon, Tensor z)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = weight is null ? o : RmsNormalization.Plain(o, weight, epsilon);
        return (normed * z.sigmoid()).MoveToOuterDisposeScope();
    }

    /// <summary>The kernel, for inputs that <see cref="Serves"/> lets through.</summary>
    public static Tensor Forward(Tensor o, Tensor? weight, double epsilon, Tensor z)
    {
        if (weight is null)
        {
            return Products.Apply(o, z);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor[] y = Differentiable.Apply(
            [o, weight, z],
            _ =>
            {
                (Tensor input, Tensor w, Tensor gate) = (KernelInputs.Ready(o), KernelInputs.Ready(weight), KernelInputs.Ready(z));
                int width = (int)w.NumberOfElements;
                RowKernels kernels = Kernels.For(input.dtype, w.dtype, width);
                Tensor output = empty_like(input);
                long rows = input.NumberOfElements / width;
                kernels.Forward.Launch(kernels.Layout.Blocks(rows), kernels.Layout.Threads, 0, input, w, gate, output, rows, (float)epsilon);
                return ([output], [input, w, gate]);
            },
            (node, gradients) => gradients[0] is { } gradient
                ? Backward(node.Saved[0]!, node.Saved[1]!, node.Saved[2]!, KernelInputs.Ready(gradient), epsilon, node.Needs(1))
                : [null, null, null]);
        return y[0].MoveToOuterDisposeScope();
    }

    private static Tensor?[] Backward(Tensor o, Tensor weight, Tensor z, Tensor gradient, double epsilon, bool wantWeight)
    {
        int width = (int)weight.NumberOfElements;
        RowKernels kernels = Kernels.For(o.dtype, weight.dtype, width);
        long rows = o.NumberOfElements / width, blocks = kernels.BackwardBlocks(rows, o.device_index);
        Tensor d_o = empty_like(o), dz = empty_like(z);
        Tensor? partial = wantWeight ? empty(blocks, width, dtype: ScalarType.Float32, device: o.device) : null;
        kernels.Backward.Launch(blocks, kernels.Layout.Threads, 0, o, weight, z, gradient, d_o, dz, partial, rows, (float)epsilon);
        return [d_o, partial is null ? null : ColumnSum.Of(partial, weight.dtype), dz];
    }
}
