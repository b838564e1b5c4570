using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>Factors of attention queries: <c>s_t = ln(t + a) / ln(a)</c>, t from the row's first real token, logarithms in float32; or a constant.</summary>
internal static class QueryScales
{
    /// <summary>(1 or B, T, 1, 1), float32.</summary>
    public static Tensor Make(LogitsScaling scaling, Tensor? positions_BT, long offset, long length, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        if (scaling.Base is not { } a)
        {
            return full([1, 1, 1, 1], scaling.Constant!.Value, ScalarType.Float32, device).MoveToOuterDisposeScope();
        }

        Tensor t_BT = positions_BT?.to(ScalarType.Float32) ?? arange(offset, offset + length, ScalarType.Float32, device).unsqueeze(0);
        return ((t_BT + a).log() / MathF.Log((float)a)).unsqueeze(-1).unsqueeze(-1).MoveToOuterDisposeScope();
    }
}
