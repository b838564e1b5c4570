using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Decoding;

/// <summary>What the decoding kernels compute, in plain float64 operations on the CPU, and random values for both sides.</summary>
internal static class DecodeReference
{
    private const long LastRounded = 32767; // Angles of far positions are not rounded to float32.

    public static ScalarType Type(string name) => name == "bf16" ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Largest difference allowed, as a share of the largest value.</summary>
    public static double Tolerance(ScalarType type) => type == ScalarType.BFloat16 ? 1.5e-2 : 3e-5;

    /// <summary>Random values of a type on the card.</summary>
    public static Tensor Values(ScalarType type, params long[] shape) => randn(shape, ScalarType.Float32).to_type(type).to(CUDA);

    /// <summary>Rows as a part of wider ones, which hold no numbers elsewhere.</summary>
    public static Tensor PartOfWider(Tensor rows_BK, int before = 16, int behind = 8)
    {
        (long batch, long width) = (rows_BK.shape[0], rows_BK.shape[1]);
        Tensor part = full([batch, before + width + behind], float.NaN, rows_BK.dtype, rows_BK.device).narrow(1, before, width);
        part.copy_(rows_BK);
        return part;
    }

    public static Tensor Exact(Tensor x) => x.cpu().to_type(ScalarType.Float64);

    /// <summary>As the kernels keep a value between steps.</summary>
    public static Tensor Rounded(Tensor x, ScalarType type) => x.to_type(type).to_type(ScalarType.Float64);

    public static Tensor Norm(Tensor x, Tensor? weight, double epsilon) =>
        weight is null ? x : x * (x.square().mean([-1], keepdim: true) + epsilon).rsqrt() * Exact(weight);

    /// <summary>Half-split rotation of (..., D).</summary>
    public static Tensor Rotated(Tensor x, long position, Tensor? frequencies, double factor)
    {
        if (frequencies is null)
        {
            return x;
        }

        long half = x.shape[^1] / 2;
        Tensor angle = Exact(frequencies) * position;
        angle = position <= LastRounded ? angle.to_type(ScalarType.Float32).to_type(ScalarType.Float64) : angle;
        Tensor cosine = angle.cos() * factor, sine = angle.sin() * factor;
        Tensor low = x.narrow(-1, 0, half), high = x.narrow(-1, half, half);
        return cat([(low * cosine) - (high * sine), (high * cosine) + (low * sine)], -1);
    }

    /// <summary>q (H,D), k and v (Hkv,D) of a projected row (.), normed, rotated and rounded.</summary>
    public static (Tensor Q_HD, Tensor K_HD, Tensor V_HD) Heads(Halo.Kernels.Decoding.DecodeHeads heads, Tensor row, long position)
    {
        Tensor exact = Exact(row);
        Tensor Part(int offset, int count) => exact.narrow(0, offset, (long)count * heads.Size).view(count, heads.Size);
        Tensor Prepared(Tensor x, Tensor? norm) => Rounded(Rotated(Norm(x, norm, heads.Epsilon), position, heads.Frequencies, heads.Amplitude), row.dtype);
        return (Prepared(Part(0, heads.Heads), heads.QueryNorm_D), Prepared(Part(heads.KeyOffset, heads.KeyHeads), heads.KeyNorm_D), Part(heads.ValueOffset, heads.KeyHeads));
    }
}
