using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A linear map without bias, <c>y = x W^T</c>, in the type of the input.</summary>
/// <param name="weight">W, (outputs, inputs).</param>
public sealed class Linear(Parameter weight)
{
    /// <summary>The weight.</summary>
    public Parameter Weight { get; } = weight;

    /// <summary>(..., inputs) to (..., outputs).</summary>
    public Tensor Forward(Tensor x)
    {
        Tensor w = Weight.As(x.dtype);
        Tensor y = nn.functional.linear(x, w);
        if (!ReferenceEquals(w, Weight.Value))
        {
            w.Dispose();
        }

        return y;
    }
}
