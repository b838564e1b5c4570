using TorchSharp;
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
    public Tensor Forward(Tensor x)
    {
        Tensor w = Weight.As(x.dtype);
        Tensor? b = Bias?.As(x.dtype);
        Tensor y = nn.functional.linear(x, w, b);
        if (!ReferenceEquals(w, Weight.Value))
        {
            w.Dispose();
        }

        if (b is not null && !ReferenceEquals(b, Bias!.Value))
        {
            b.Dispose();
        }

        return y;
    }
}
