using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>Keys and values in 8 bits: each head of each token, D values, has a float32 scale of its own, max |x| / 127.</summary>
internal static class KeyValueCodes
{
    /// <summary>Codes, int8 of the same shape, and scales, float32 without the last dimension.</summary>
    public static (Tensor Codes, Tensor Scales) Of(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = x.to_type(ScalarType.Float32);
        Tensor scales = exact.abs().amax([-1], keepdim: true).clamp_min(1e-12) / 127;
        return ((exact / scales).round().to_type(ScalarType.Int8).MoveToOuterDisposeScope(), scales.squeeze(-1).MoveToOuterDisposeScope());
    }

    /// <summary>What the codes stand for.</summary>
    public static Tensor Dense(Tensor codes, Tensor scales, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        return (codes.to_type(ScalarType.Float32) * scales.unsqueeze(-1)).to_type(type).MoveToOuterDisposeScope();
    }

    /// <summary>What would be read again of values that were kept.</summary>
    public static Tensor Rounded(Tensor x)
    {
        (Tensor codes, Tensor scales) = Of(x);
        using (codes)
        using (scales)
        {
            return Dense(codes, scales, x.dtype);
        }
    }
}
