using Halo.Kernels;
using Halo.Kernels.Cuda;
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
    /// One update from the gradients in the flat buffer (which may be clipped in place):
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
        Tensor norm = _flat.GradientNorm();
        double correction1 = 1 - Math.Pow(_options.Beta1, step + 1);
        double correction2 = Math.Sqrt(1 - Math.Pow(_options.Beta2, step + 1));
        // sqrt(v / c) + eps = (sqrt(v) + eps sqrt(c)) / sqrt(c).
        var update = new AdamWStep(
            _options.ClipNorm, 1 - (learningRate * _options.WeightDecay), 1 - _options.Beta1, 1 - _options.Beta2, _options.Epsilon * correction2, learningRate * correction2 / correction1);
        if (CudaKernels.Serve(_flat.Master))
        {
            Tensor wide = loss.to(ScalarType.Float32);
            Fused(update, norm, wide, 0, _flat.DecayedLength, _flat.Half);
            Fused(update with { Keep = 1 }, norm, wide, _flat.DecayedLength, _flat.Master.numel() - _flat.DecayedLength, null);
        }
        else
        {
            Plain(update, learningRate, norm, loss);
        }

        return norm.MoveToOuterDisposeScope();
    }

    private void Fused(AdamWStep update, Tensor norm, Tensor loss, long start, long count, Tensor? half)
    {
        if (count > 0)
        {
            update.Launch(_flat.Master.narrow(0, start, count), FirstMoment.narrow(0, start, count), SecondMoment.narrow(0, start, count), _flat.GradientOf(start, count), half, norm, loss);
        }
    }

    private void Plain(AdamWStep update, double learningRate, Tensor norm, Tensor loss)
    {
        Tensor finite = isfinite(norm + loss).to(ScalarType.Float32);
        Tensor coefficient = update.Clip > 0 ? (norm + 1e-6).reciprocal_().mul_(update.Clip).clamp_(max: 1) * finite : finite;
        Tensor weight1 = finite * update.Rate1;
        Tensor keep2 = (finite * -update.Rate2).add_(1);
        Tensor decay = (finite * -(learningRate * _options.WeightDecay)).add_(1);
        // An infinite epsilon makes the update 0.
        Tensor epsilon = finite.reciprocal().mul_(update.Epsilon);
        if (_options.WeightDecay > 0 && _flat.DecayedLength > 0)
        {
            _flat.Master.narrow(0, 0, _flat.DecayedLength).mul_(decay);
        }

        long length = _flat.Master.numel();
        for (long start = 0; start < length;)
        {
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(Slice, (start < _flat.GradientStart ? _flat.GradientStart : length) - start);
            Tensor g = _flat.GradientOf(start, count).to(ScalarType.Float32);
            Tensor m = FirstMoment.narrow(0, start, count);
            Tensor v = SecondMoment.narrow(0, start, count);
            g.mul_(coefficient).nan_to_num_(0, 0, 0);
            m.lerp_(g, weight1);
            v.mul_(keep2).addcmul_(g, g, update.Rate2);
            _flat.Master.narrow(0, start, count).addcdiv_(m, v.sqrt().add_(epsilon), -update.StepSize);
            start += count;
        }

        _flat.Refresh();
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}
