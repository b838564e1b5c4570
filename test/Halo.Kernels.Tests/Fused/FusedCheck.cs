using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

/// <summary>Compares a function and its gradients with the same function in float64, on the card where there is one.</summary>
internal static class FusedCheck
{
    public static Device Device { get; } = cuda.is_available() ? CUDA : CPU;

    /// <summary>Many rows on the card, where they fill it; few on the CPU.</summary>
    public static long Many(long rows) => Device.type == DeviceType.CUDA ? rows : 41;

    public static ScalarType Type(string name) => name == "bf16" ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Random values that both sides see alike.</summary>
    public static Tensor Values(ScalarType type, params long[] shape) => randn(shape, ScalarType.Float32, Device).to_type(type);

    /// <summary>Outputs, and gradients of all inputs that are given, for random gradients of the outputs.</summary>
    public static void Agree(Func<Tensor?[], Tensor[]> function, Func<Tensor?[], Tensor[]> reference, Tensor?[] inputs, double tolerance, Func<Tensor, Tensor>? arranged = null)
    {
        using DisposeScope scope = NewDisposeScope();
        if (Device.type == DeviceType.CPU)
        {
            tolerance *= 2; // The plain operations round after each step.
        }

        Tensor?[] given = Array.ConvertAll(inputs, input => input?.detach().clone().requires_grad_(true));
        Tensor?[] exact = Array.ConvertAll(inputs, input => input?.detach().to_type(ScalarType.Float64).requires_grad_(true));
        Tensor[] outputs = function(given), expected = reference(exact);
        Assert.Equal(expected.Length, outputs.Length);
        var gradients = new Tensor[outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            Assert.True(outputs[i].requires_grad);
            Near.Relative(expected[i], outputs[i], tolerance);
            gradients[i] = randn(outputs[i].shape, ScalarType.Float32, Device).to_type(outputs[i].dtype);
        }

        autograd.backward(outputs, Array.ConvertAll(gradients, gradient => (arranged ?? (same => same))(gradient)));
        autograd.backward(expected, Array.ConvertAll(gradients, gradient => gradient.to_type(ScalarType.Float64)));
        Assert.Null(Differentiable.TakeFailure());
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is not null)
            {
                Assert.Equal(inputs[i]!.dtype, given[i]!.grad!.dtype);
                Near.Relative(exact[i]!.grad!, given[i]!.grad!, tolerance);
            }
        }

        using (no_grad())
        {
            Tensor[] again = function(given);
            for (int i = 0; i < outputs.Length; i++)
            {
                Assert.False(again[i].requires_grad);
                Assert.True(again[i].equal(outputs[i].detach()).all().item<bool>());
            }
        }
    }
}
