using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A linear map, <c>y = x W^T + b</c>, in the type of the input.</summary>
public sealed class Linear
{
    /// <summary>A map of parameters NAME.weight and, with a bias, NAME.bias.</summary>
    internal Linear(Func<string, long[], Parameter> make, string name, long outputs, long inputs, bool bias = false)
    {
        Weight = make(name + ".weight", [outputs, inputs]);
        Bias = bias ? make(name + ".bias", [outputs]) : null;
    }

    /// <summary>W, (outputs, inputs).</summary>
    public Parameter Weight { get; }

    /// <summary>b, (outputs), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>W, and b where there is one.</summary>
    public IEnumerable<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <summary>(..., inputs) to (..., outputs).</summary>
    public Tensor Forward(Tensor x) => Weight.Multiply(x, Bias);

    /// <summary>Adds the output to a contiguous tensor (..., outputs), without gradients.</summary>
    internal void AddTo(Tensor sum, Tensor x) => Weight.MultiplyInto(sum, x, Bias);
}
