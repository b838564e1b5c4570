using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// AdamW on flat float32 buffers, with clipping by the global gradient norm before it. Nothing waits for the device: an update whose loss or gradient
/// is not finite is turned into no update on the device itself, and shows in the norm that is returned.
/// </summary>
internal sealed class AdamW : IDisposable
{
    /// <summary>Elements updated at once: bounds the temporary memory to 256 MB.</summary>
    private const long Slice = 1L << 26;

    private readonly FlatParameters _flat;
    private readonly TrainingOptions _options;

    /// <summary>Starts with zero moments.</summary>
    public AdamW(FlatParameters flat, TrainingOptions options)
    {
        _flat = flat;
        _options = options;
        FirstMoment = zeros_like(flat.Master).DetachFromDisposeScope();
        SecondMoment = zeros_like(flat.Master).DetachFromDisposeScope();
    }

    /// <summary>Moving mean of the gradient, flat.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>Moving mean of the squared gradient, flat.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>
    /// One update from the gradients in the flat buffer (which are clipped in place):
    /// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w = w (1 - lr wd) - lr (m / (1 - b1^k)) / (sqrt(v / (1 - b2^k)) + eps), k = step + 1.
    /// </summary>
    /// <param name="step">0-based number of the update.</param>
    /// <param name="learningRate">Its learning rate.</param>
    /// <param name="loss">0-dimensional loss; when it or the norm is not finite, weights and moments stay as they are.</param>
    /// <returns>The norm before clipping, 0-dimensional, on the device.</returns>
    public Tensor Update(long step, double learningRate, Tensor loss)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor norm = linalg.vector_norm(_flat.Gradient);
        Tensor finite = isfinite(norm + loss).to(ScalarType.Float32);
        Tensor coefficient = _options.ClipNorm > 0 ? (norm + 1e-6).reciprocal_().mul_(_options.ClipNorm).clamp_(max: 1) * finite : finite;

        double correction1 = 1 - Math.Pow(_options.Beta1, step + 1);
        double correction2 = Math.Sqrt(1 - Math.Pow(_options.Beta2, step + 1));
        Tensor weight1 = finite * (1 - _options.Beta1);
        Tensor keep2 = (finite * -(1 - _options.Beta2)).add_(1);
        Tensor decay = (finite * -(learningRate * _options.WeightDecay)).add_(1);
        // sqrt(v / c) + eps = (sqrt(v) + eps sqrt(c)) / sqrt(c); an infinite epsilon makes the update 0.
        Tensor epsilon = finite.reciprocal().mul_(_options.Epsilon * correction2);
        double stepSize = learningRate * correction2 / correction1;

        if (_options.WeightDecay > 0 && _flat.DecayedLength > 0)
        {
            _flat.Master.narrow(0, 0, _flat.DecayedLength).mul_(decay);
        }

        long length = _flat.Master.numel();
        for (long start = 0; start < length; start += Slice)
        {
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(Slice, length - start);
            Tensor g = _flat.Gradient.narrow(0, start, count);
            Tensor m = FirstMoment.narrow(0, start, count);
            Tensor v = SecondMoment.narrow(0, start, count);
            g.mul_(coefficient).nan_to_num_(0, 0, 0);
            m.lerp_(g, weight1);
            v.mul_(keep2).addcmul_(g, g, 1 - _options.Beta2);
            _flat.Master.narrow(0, start, count).addcdiv_(m, v.sqrt().add_(epsilon), -stepSize);
        }

        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}
