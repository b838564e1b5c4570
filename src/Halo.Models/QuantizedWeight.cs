using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A matrix in few bits: codes and scales. Products are computed in the type of their input, from the exact values of the codes.</summary>
public sealed class QuantizedWeight : IDisposable
{
    /// <summary>Neighbours of a row that share a scale in <see cref="WeightFormat.Int4"/>.</summary>
    public const int Group = 32;

    private QuantizedWeight(WeightFormat format, Tensor codes, Tensor scales)
    {
        (Format, Codes, Scales) = (format, codes, scales);
    }

    /// <summary>The format.</summary>
    public WeightFormat Format { get; }

    /// <summary>int8 (outputs, inputs); or uint8 (outputs, inputs / 2) of code + 8, the even inputs in the low halves.</summary>
    public Tensor Codes { get; }

    /// <summary>float32 (outputs, 1), or (outputs, inputs / 32).</summary>
    public Tensor Scales { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => (Codes.NumberOfElements * Codes.element_size()) + (Scales.NumberOfElements * Scales.element_size());

    /// <summary>Whether a matrix can be kept so: 4 bits need inputs in whole groups.</summary>
    public static bool Fits(IReadOnlyList<long> shape, WeightFormat format) => shape.Count == 2 && (format == WeightFormat.Int8 || shape[1] % Group == 0);

    /// <summary>Rounds a matrix; of several scales for each group of 4-bit weights the one with the least squared error is taken.</summary>
    /// <param name="weight">(outputs, inputs); stays the caller's.</param>
    /// <param name="format">The format.</param>
    public static QuantizedWeight Of(Tensor weight, WeightFormat format)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = weight.detach().to_type(ScalarType.Float32);
        if (format == WeightFormat.Int8)
        {
            Tensor scale_N1 = exact.abs().amax([1], keepdim: true).clamp_min(1e-12) / 127;
            return new(format, (exact / scale_N1).round().to_type(ScalarType.Int8).DetachFromDisposeScope(), scale_N1.DetachFromDisposeScope());
        }

        (long outputs, long inputs) = (weight.shape[0], weight.shape[1]);
        Tensor groups = exact.view(outputs, inputs / Group, Group);
        Tensor scales = BestScales(groups);
        Tensor codes = ((groups / scales).round().clamp(-8, 7) + 8).to_type(ScalarType.Byte).view(outputs, inputs / 2, 2);
        Tensor packed = codes.select(2, 0) + (codes.select(2, 1) * 16);
        return new(format, packed.to_type(ScalarType.Byte).DetachFromDisposeScope(), scales.squeeze(2).DetachFromDisposeScope());
    }

    /// <summary>The matrix of a type, (outputs, inputs).</summary>
    public Tensor Dense(ScalarType type) => Dense(Codes, Scales, type);

    /// <summary>Some rows of it, for an embedding.</summary>
    /// <param name="rows_N">Numbers of rows, int64.</param>
    /// <param name="type">The type.</param>
    public Tensor Rows(Tensor rows_N, ScalarType type)
    {
        using Tensor codes = Codes.index_select(0, rows_N);
        using Tensor scales = Scales.index_select(0, rows_N);
        return Dense(codes, scales, type);
    }

    /// <summary>x W^T, (..., inputs) to (..., outputs).</summary>
    public Tensor Multiply(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        if (Format == WeightFormat.Int8 && Fused.HasInt8Product(x))
        {
            Tensor flat = x.reshape(-1, x.shape[^1]);
            return Fused.Int8Product(flat, Codes, Scales.squeeze(1).to_type(x.dtype)).view([.. x.shape[..^1], Codes.shape[0]]).MoveToOuterDisposeScope();
        }

        return nn.functional.linear(x, Dense(x.dtype)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Codes.Dispose();
        Scales.Dispose();
    }

    private Tensor Dense(Tensor codes, Tensor scales, ScalarType type)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (Format == WeightFormat.Int8)
        {
            return (codes.to_type(ScalarType.Float32) * scales).to_type(type).MoveToOuterDisposeScope();
        }

        (long rows, long groups) = (scales.shape[0], scales.shape[1]);
        Tensor pairs = stack([codes.bitwise_and(15), codes.bitwise_right_shift(4)], 2);
        Tensor exact = (pairs.view(rows, groups, Group).to_type(ScalarType.Float32) - 8) * scales.unsqueeze(2);
        return exact.view(rows, groups * Group).to_type(type).MoveToOuterDisposeScope();
    }

    /// <summary>(N,G,32) to (N,G,1). The code -8 serves the weight of greatest size, whatever its sign; smaller scales cut it off and are finer for the rest.</summary>
    private static Tensor BestScales(Tensor groups)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor high, _) = groups.max(2, keepdim: true);
        (Tensor low, _) = groups.min(2, keepdim: true);
        Tensor greatest = high.where(high > -low, low);
        Tensor best = greatest / -8;
        Tensor? least = null;
        foreach (double factor in new[] { 1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 1.07 })
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor scale = greatest * (factor / -8);
            scale = scale.where(scale.abs() > 1e-12, full_like(scale, 1e-12));
            Tensor error = ((groups / scale).round().clamp(-8, 7).mul(scale) - groups).square().sum(2, keepdim: true);
            best = (least is null ? scale : best.where(least <= error, scale)).MoveToOuterDisposeScope();
            least = (least is null ? error : least.minimum(error)).MoveToOuterDisposeScope();
        }

        return best.MoveToOuterDisposeScope();
    }
}
