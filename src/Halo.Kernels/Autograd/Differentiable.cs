using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// Operations with a backward pass of their own. The forward pass runs without a graph; <see cref="Attach(Tensor, Tensor?[], Tensor?[], GradientFunction)"/>
/// then hangs the backward pass on its outputs. Saved tensors are freed as soon as the backward pass has used them, so a graph goes
/// backward once; gradients of gradients are not formed.
/// </summary>
/// <remarks>
/// TorchSharp's own SingleTensorFunction and MultiTensorFunction would do, but they allocate a second tensor for every output and leave
/// the gradients to the garbage collector where libtorch goes backward on threads of its own, as it does on CUDA.
/// </remarks>
internal static class Differentiable
{
    /// <summary>What went wrong in a backward pass: libtorch only tells that a gradient is missing. Reading it clears it.</summary>
    public static Exception? TakeFailure() => DifferentiableNode.TakeFailure();

    /// <summary>Whether a graph is recorded for a function of these.</summary>
    public static bool Needed(params ReadOnlySpan<Tensor?> inputs)
    {
        if (!is_grad_enabled())
        {
            return false;
        }

        foreach (Tensor? input in inputs)
        {
            if (input is not null && input.requires_grad)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Hangs a backward pass on one output; gives the output itself where no input wants a gradient.</summary>
    /// <param name="output">Computed without a graph, and not one of the inputs or a view of one.</param>
    /// <param name="inputs">What it may be differentiated by; null for what is not there.</param>
    /// <param name="saved">What the backward pass needs, inputs and outputs included; null for what is not there.</param>
    /// <param name="backward">Gradients of the inputs. It must not hold tensors that are freed before it runs.</param>
    /// <returns>The output, in the same dispose scope.</returns>
    public static Tensor Attach(Tensor output, Tensor?[] inputs, Tensor?[] saved, GradientFunction backward) => Attach([output], inputs, saved, backward)[0];

    /// <summary>The same for several outputs.</summary>
    public static Tensor[] Attach(Tensor[] outputs, Tensor?[] inputs, Tensor?[] saved, GradientFunction backward) =>
        Needed(inputs) ? DifferentiableNode.Rent().Attach(outputs, inputs, saved, backward) : outputs;

    /// <summary>A forward pass without a graph, then <see cref="Attach(Tensor[], Tensor?[], Tensor?[], GradientFunction)"/>.</summary>
    /// <param name="inputs">What it may be differentiated by.</param>
    /// <param name="forward">Gives the outputs, and what to save; may save nothing where no gradient is wanted, which it is told.</param>
    /// <param name="backward">Gradients of the inputs.</param>
    public static Tensor[] Apply(Tensor?[] inputs, Func<bool, (Tensor[] Outputs, Tensor?[] Saved)> forward, GradientFunction backward)
    {
        if (!Needed(inputs))
        {
            return forward(false).Outputs;
        }

        Tensor[] outputs;
        Tensor?[] saved;
        using (no_grad())
        {
            (outputs, saved) = forward(true);
        }

        return DifferentiableNode.Rent().Attach(outputs, inputs, saved, backward);
    }
}

/// <summary>The backward pass of an operation.</summary>
/// <param name="node">What was saved, and which gradients are wanted.</param>
/// <param name="gradients">Gradient of each output; null where it is zero. Not always contiguous.</param>
/// <returns>Gradient of each input; null where it is not wanted or zero.</returns>
internal delegate Tensor?[] GradientFunction(DifferentiableNode node, Tensor?[] gradients);
