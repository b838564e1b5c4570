using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// RMSNorm over the last dimension, <c>y = w x / sqrt(mean(x^2) + eps)</c> (arXiv 1910.07467), alone or of the sum of two inputs:
/// one kernel forward, two backward.
/// </summary>
internal static class RmsNormalization
{
    private static readonly RowKernelFamily Kernels = new("rms_norm");

    /// <summary>Whether the kernels do this input.</summary>
    public static bool Serves(Tensor x, Tensor weight) => KernelInputs.Fit(x) && KernelInputs.IsElement(weight.dtype) && RowLayout.Fits(weight.NumberOfElements, x.dtype);

    /// <summary>The reference: in float32 (float64 for float64), cast to the input's type, times the weight.</summary>
    /// <param name="x">Input.</param>
    /// <param name="weight">Weight in the input's type, of the last dimension's size.</param>
    /// <param name="epsilon">eps.</param>
    public static Tensor Plain(Tensor x, Tensor weight, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = x.dtype;
        Tensor exact = type is ScalarType.Float32 or ScalarType.Float64 ? x : x.to_type(ScalarType.Float32);
        Tensor normed = exact * rsqrt(exact.square().mean([-1], keepdim: true) + epsilon);
        return ((normed.dtype == type ? normed : normed.to_type(type)) * weight).MoveToOuterDisposeScope();
    }

    /// <summary>The kernel, for inputs that <see cref="Serves"/> lets through. The weight may have a type of its own, in which its gradient comes.</summary>
    public static Tensor Forward(Tensor x, Tensor weight, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] y = Differentiable.Apply(
            [x, weight],
            _ =>
            {
                (Tensor input, Tensor w) = (KernelInputs.Ready(x), KernelInputs.Ready(weight));
                Tensor output = empty_like(input);
                Launch(input, null, w, null, output, epsilon);
                return ([output], [input, w]);
            },
            (node, gradients) => gradients[0] is { } gradient
                ? Backward(node.Saved[0]!, node.Saved[1]!, gradient, null, epsilon, node.Needs(1))
                : [null, null]);
        return y[0].MoveToOuterDisposeScope();
    }

    /// <summary>The norm of a sum, and the sum, rounded to the inputs' type as it is stored.</summary>
    public static (Tensor Sum, Tensor Normed) ForwardAdded(Tensor x, Tensor added, Tensor weight, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] outputs = Differentiable.Apply(
            [x, added, weight],
            _ =>
            {
                (Tensor input, Tensor other, Tensor w) = (KernelInputs.Ready(x), KernelInputs.Ready(added), KernelInputs.Ready(weight));
                Tensor sum = empty_like(input), output = empty_like(input);
                Launch(input, other, w, sum, output, epsilon);
                return ([sum, output], [sum, w]);
            },
            (node, gradients) =>
            {
                if (gradients[1] is not { } gradient)
                {
                    return [gradients[0], gradients[0], null];
                }

                Tensor?[] both = Backward(node.Saved[0]!, node.Saved[1]!, gradient, gradients[0], epsilon, node.Needs(2));
                return [both[0], both[0], both[1]];
            });
        return (outputs[0].MoveToOuterDisposeScope(), outputs[1].MoveToOuterDisposeScope());
    }

    private static void Launch(Tensor x, Tensor? added, Tensor weight, Tensor? sum, Tensor y, double epsilon)
    {
        int width = (int)weight.NumberOfElements;
        RowKernels kernels = Kernels.For(x.dtype, weight.dtype, width);
        long rows = x.NumberOfElements / width;
        kernels.Forward.Launch(kernels.Layout.Blocks(rows), kernels.Layout.Threads, 0, x, added, weight, sum, y, rows, (float)epsilon);
    }

    private static Tensor?[] Backward(Tensor x, Tensor weight, Tensor gradient, Tensor? extra, double epsilon, bool wantWeight)
    {
        int width = (int)weight.NumberOfElements;
        RowKernels kernels = Kernels.For(x.dtype, weight.dtype, width);
        long rows = x.NumberOfElements / width, blocks = kernels.BackwardBlocks(rows, x.device_index);
        Tensor dx = empty_like(x);
        Tensor? partial = wantWeight ? empty(blocks, width, dtype: ScalarType.Float32, device: x.device) : null;
        kernels.Backward.Launch(
            blocks, kernels.Layout.Threads, 0, x, weight, KernelInputs.Ready(gradient), extra is null ? null : KernelInputs.Ready(extra), dx, partial, rows, (float)epsilon);
        return [dx, partial is null ? null : ColumnSum.Of(partial, weight.dtype)];
    }
}
