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

    /// <summary>The normed input, same shape and type.</summary>
    public Tensor Forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = x.dtype;
        Tensor w = Weight.As(type);
        if (type != ScalarType.Float64 && Fused.HasRmsNorm(x))
        {
            return Fused.RmsNorm(x, w, epsilon).MoveToOuterDisposeScope();
        }

        Tensor exact = type is ScalarType.Float32 or ScalarType.Float64 ? x : x.to_type(ScalarType.Float32);
        Tensor normed = exact * rsqrt(exact.square().mean([-1], keepdim: true) + epsilon);
        return ((normed.dtype == type ? normed : normed.to_type(type)) * w).MoveToOuterDisposeScope();
    }
}
