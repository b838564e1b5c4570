using Halo.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>SwiGLU: <c>W_down(SiLU(W_gate n) * W_up n)</c>, with biases where the configuration says so.</summary>
public sealed class Mlp
{
    internal Mlp(ModelConfiguration configuration, Func<string, long[], Parameter> make)
    {
        (int d, int ffn, bool bias) = (configuration.HiddenSize, configuration.IntermediateSize, configuration.MlpBias);
        Gate = new Linear(make, "gate_proj", ffn, d, bias);
        Up = new Linear(make, "up_proj", ffn, d, bias);
        Down = new Linear(make, "down_proj", d, ffn, bias);
    }

    /// <summary>W_gate.</summary>
    public Linear Gate { get; }

    /// <summary>W_up.</summary>
    public Linear Up { get; }

    /// <summary>W_down.</summary>
    public Linear Down { get; }

    /// <summary>All weights.</summary>
    public IEnumerable<Parameter> Parameters => [.. Gate.Parameters, .. Up.Parameters, .. Down.Parameters];

    /// <summary>(B,T,d) to (B,T,d).</summary>
    public Tensor Forward(Tensor n_BTd)
    {
        using DisposeScope scope = NewDisposeScope();
        return Down.Forward(SwiGlu.Forward(Gate.Forward(n_BTd), Up.Forward(n_BTd))).MoveToOuterDisposeScope();
    }

    /// <summary>Adds the output to the residual stream, without gradients.</summary>
    internal void AddTo(Tensor sum_BTd, Tensor n_BTd)
    {
        using DisposeScope scope = NewDisposeScope();
        Down.AddTo(sum_BTd, Gated(n_BTd));
    }

    private Tensor Gated(Tensor n_BTd)
    {
        // Matrices that are made for the product go with it.
        using DisposeScope scope = NewDisposeScope();
        Tensor gated = Gate.Bias is null && Up.Bias is null && SwiGluProduct.Serves(n_BTd, Gate.Weight.Shape[0])
            ? SwiGluProduct.Forward(n_BTd, Gate.Weight.As(n_BTd.dtype), Up.Weight.As(n_BTd.dtype))
            : SwiGlu.Forward(Gate.Forward(n_BTd), Up.Forward(n_BTd));
        return gated.MoveToOuterDisposeScope();
    }
}
