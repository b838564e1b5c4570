using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Rotary position encoding, half-split: the pair of dimension i is i + D/2. <c>inv_freq = theta^(-2i/D)</c> is kept in float32 and
/// angles are formed in float64, so that far positions stay exact. With static YaRN (factor s, original length L0):
/// <c>corr(r) = D ln(L0 / (2 pi r)) / (2 ln theta)</c>, a ramp from corr(32) to corr(1) mixes inv_freq with inv_freq / s, and cos and sin are times 0.1 ln(s) + 1.
/// </summary>
public sealed class Rotary : IDisposable
{
    // Beyond this, angles are made for each call: a table for a million positions would weigh more than the model's state.
    private const long LongestTable = 32768;
    private readonly Lock _gate = new();
    private readonly Device _device;
    private readonly Tensor _frequencies_D;
    private readonly Tensor _signs_D;
    private readonly double _amplitude;
    private Tensor? _cosine_LD;
    private Tensor? _sine_LD;

    /// <summary>Makes the frequencies.</summary>
    /// <param name="headDim">D, even.</param>
    /// <param name="theta">Base.</param>
    /// <param name="scaling">YaRN, or null.</param>
    /// <param name="device">Where the tables lie.</param>
    public Rotary(int headDim, double theta, RopeScaling? scaling, Device device)
    {
        _device = device;
        float[] half = Frequencies(headDim, theta, scaling);
        _amplitude = scaling is null ? 1 : (0.1 * Math.Log(scaling.Factor)) + 1;
        using IDisposable normal = inference_mode(false);
        _frequencies_D = tensor((float[])[.. half, .. half]).to(ScalarType.Float64, device).DetachFromDisposeScope();
        _signs_D = tensor((double[])[.. Enumerable.Repeat(-1.0, half.Length), .. Enumerable.Repeat(1.0, half.Length)]).to(device).DetachFromDisposeScope();
    }

    /// <summary>inv_freq, D/2 values in float32.</summary>
    public static float[] Frequencies(int headDim, double theta, RopeScaling? scaling)
    {
        int half = headDim / 2;
        var frequencies = new float[half];
        double low = 0, high = 0;
        if (scaling is not null)
        {
            double Correction(double rotations) => headDim * Math.Log(scaling.OriginalLength / (2 * Math.PI * rotations)) / (2 * Math.Log(theta));
            low = Math.Clamp(Math.Floor(Correction(32)), 0, headDim - 1);
            high = Math.Clamp(Math.Ceiling(Correction(1)), 0, headDim - 1);
            high = high == low ? low + 0.001 : high; // The ramp must not divide by zero.
        }

        for (int i = 0; i < half; i++)
        {
            double frequency = Math.Pow(theta, -2.0 * i / headDim);
            double ramp = scaling is null ? 0 : Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = (float)((frequency * (1 - ramp)) + (ramp == 0 ? 0 : frequency / scaling!.Factor * ramp));
        }

        return frequencies;
    }

    /// <summary>cos and signed sin of positions <paramref name="offset"/>..<paramref name="offset"/> + <paramref name="length"/> - 1, float32, (1,T,1,D) for (B,T,H,D).</summary>
    public RotaryAngles At(long offset, long length)
    {
        using DisposeScope scope = NewDisposeScope();
        if (offset + length > LongestTable)
        {
            (Tensor cosine, Tensor sine) = Make(arange(offset, offset + length, ScalarType.Float64, _device));
            return Shaped(cosine.unsqueeze(0), sine.unsqueeze(0));
        }

        lock (_gate)
        {
            if (_cosine_LD is null || _cosine_LD.shape[0] < offset + length)
            {
                Grow(offset + length);
            }

            return Shaped(_cosine_LD!.narrow(0, offset, length).unsqueeze(0), _sine_LD!.narrow(0, offset, length).unsqueeze(0));
        }
    }

    /// <summary>The same for positions of each row, (B,T) to (B,T,1,D).</summary>
    public RotaryAngles At(Tensor positions_BT)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor cosine, Tensor sine) = Make(positions_BT.to(ScalarType.Float64));
        return Shaped(cosine, sine);
    }

    /// <summary>Rotates (B,T,H,D): x cos + rotate_half(x) sin in float32, cast back.</summary>
    public static Tensor Apply(Tensor x_BTHD, RotaryAngles angles)
    {
        using DisposeScope scope = NewDisposeScope();
        // The sign of rotate_half = (-x2, x1) lies in the sine, so that a roll by half of D does the rest.
        Tensor turned = (x_BTHD * angles.Cosine).addcmul(x_BTHD.roll(x_BTHD.shape[3] / 2, 3), angles.SignedSine, 1);
        return (turned.dtype == x_BTHD.dtype ? turned : turned.to_type(x_BTHD.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tables.</summary>
    public void Dispose()
    {
        _frequencies_D.Dispose();
        _signs_D.Dispose();
        _cosine_LD?.Dispose();
        _sine_LD?.Dispose();
    }

    private static RotaryAngles Shaped(Tensor cosine_BTD, Tensor sine_BTD) =>
        new(cosine_BTD.unsqueeze(2).MoveToOuterDisposeScope(), sine_BTD.unsqueeze(2).MoveToOuterDisposeScope());

    private (Tensor Cosine, Tensor SignedSine) Make(Tensor positions)
    {
        Tensor angle = positions.unsqueeze(-1) * _frequencies_D;
        return ((angle.cos() * _amplitude).to(ScalarType.Float32), (angle.sin() * _signs_D * _amplitude).to(ScalarType.Float32));
    }

    private void Grow(long needed)
    {
        long length = 512;
        while (length < needed)
        {
            length *= 2;
        }

        using IDisposable normal = inference_mode(false);
        (Tensor cosine, Tensor sine) = Make(arange(length, ScalarType.Float64, _device));
        _cosine_LD?.Dispose();
        _sine_LD?.Dispose();
        _cosine_LD = cosine.DetachFromDisposeScope();
        _sine_LD = sine.DetachFromDisposeScope();
    }
}
