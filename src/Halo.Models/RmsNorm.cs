using Halo.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>RMSNorm over the last dimension: <c>x / sqrt(mean(x^2) + eps)</c> in float32, cast back to the input type, times the weight.</summary>
/// <param name="weight">Weight, of the last dimension's size.</param>
/// <param name="epsilon">eps.</param>
public sealed class RmsNorm(Parameter weight, double epsilon)
{
    /// <summary>The weight.</summary>
    public Parameter Weight { get; } = weight;

    /// <summary>eps.</summary>
    internal double Epsilon => epsilon;

    /// <summary>The normed input, same shape and type.</summary>
    public Tensor Forward(Tensor x)
    {
        if (RmsNormalization.Serves(x, Weight.Value))
        {
            return RmsNormalization.Forward(x, Weight.Value, epsilon);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor w = Weight.As(x.dtype);
        return (Fused.HasRmsNorm(x) ? Fused.RmsNorm(x, w, epsilon) : RmsNormalization.Plain(x, w, epsilon)).MoveToOuterDisposeScope();
    }

    /// <summary>The sum of two inputs of one shape and type, and the normed sum.</summary>
    internal (Tensor Sum, Tensor Normed) ForwardAdded(Tensor x, Tensor added)
    {
        if (x.dtype == added.dtype && RmsNormalization.Serves(x, Weight.Value))
        {
            return RmsNormalization.ForwardAdded(x, added, Weight.Value, epsilon);
        }

        Tensor sum = x + added;
        return (sum, Forward(sum));
    }

    /// <summary>The normed input times sigmoid(z): what comes before the output projection. Without a norm, the input times sigmoid(z).</summary>
    internal static Tensor Gated(RmsNorm? norm, Tensor o, Tensor z)
    {
        if (GatedOutput.Serves(o, norm?.Weight.Value, z))
        {
            return GatedOutput.Forward(o, norm?.Weight.Value, norm?.Epsilon ?? 0, z);
        }

        using DisposeScope scope = NewDisposeScope();
        return ((norm?.Forward(o) ?? o) * z.sigmoid()).MoveToOuterDisposeScope();
    }
}
