using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>SwiGLU: <c>W_down(SiLU(W_gate n) * W_up n)</c>.</summary>
/// <param name="gate">W_gate, (ffn, d).</param>
/// <param name="up">W_up, (ffn, d).</param>
/// <param name="down">W_down, (d, ffn).</param>
public sealed class Mlp(Parameter gate, Parameter up, Parameter down)
{
    /// <summary>W_gate.</summary>
    public Linear Gate { get; } = new(gate);

    /// <summary>W_up.</summary>
    public Linear Up { get; } = new(up);

    /// <summary>W_down.</summary>
    public Linear Down { get; } = new(down);

    /// <summary>(B,T,d) to (B,T,d).</summary>
    public Tensor Forward(Tensor n_BTd)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gated = nn.functional.silu(Gate.Forward(n_BTd)) * Up.Forward(n_BTd);
        return Down.Forward(gated).MoveToOuterDisposeScope();
    }
}
