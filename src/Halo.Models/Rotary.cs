using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Rotary position encoding, half-split: the pair of dimension i is i + D/2. <c>inv_freq = theta^(-2i/D)</c> is kept in float32;
/// angles are rounded to float32 as in the models' own code, but not beyond position 32,767, so that far positions stay exact. <see cref="RopeScaling"/> changes inv_freq.
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
    /// <param name="scaling">Scaling, or null.</param>
    /// <param name="device">Where the tables lie.</param>
    public Rotary(int headDim, double theta, RopeScaling? scaling, Device device)
    {
        _device = device;
        float[] half = Frequencies(headDim, theta, scaling);
        _amplitude = scaling?.Amplitude ?? 1;
        using IDisposable normal = inference_mode(false);
        _frequencies_D = tensor((float[])[.. half, .. half]).to(ScalarType.Float64, device).DetachFromDisposeScope();
        _signs_D = tensor((double[])[.. Enumerable.Repeat(-1.0, half.Length), .. Enumerable.Repeat(1.0, half.Length)]).to(device).DetachFromDisposeScope();
    }

    /// <summary>inv_freq, D/2 values in float32.</summary>
    public static float[] Frequencies(int headDim, double theta, RopeScaling? scaling)
    {
        float[] plain = [.. Enumerable.Range(0, headDim / 2).Select(i => 1 / MathF.Pow((float)theta, 2f * i / headDim))];
        return scaling is null ? plain : [.. scaling.Apply(plain, theta)];
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

        // Near positions as the models' own code has them; far ones exactly, where a float32 product would be off by hundredths of a radian.
        angle = angle.where(positions.unsqueeze(-1) >= LongestTable, angle.to(ScalarType.Float32).to(ScalarType.Float64));
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
