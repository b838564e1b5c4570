using Halo.Models;
using Halo.Text;
using TorchSharp;

namespace Halo.Training;

/// <summary>Next-token cross-entropy, mean over all tokens: pretraining and stage 3.</summary>
/// <param name="model">The model.</param>
/// <param name="options">Document mask, recomputation and loss chunk are read.</param>
public sealed class NextTokenObjective(CausalLm model, TrainingOptions options) : IObjective
{
    /// <inheritdoc/>
    public string Name => "next-token";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Trained => model.Parameters;

    /// <inheritdoc/>
    public torch.ScalarType ComputeType => model.ComputeType;

    /// <inheritdoc/>
    public LossValue Accumulate(TokenBatch micro, double rowsShare)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        BatchTensors batch = BatchTensors.From(micro, model.Device, options.DocumentMask);
        var pass = new HiddenPass(model, batch.Inputs_BT, batch.Layout, options.Recompute);
        StepClock.Mark(StepPart.StudentForward);
        long tokens = batch.Labels_N.shape[0];
        (torch.Tensor loss, torch.Tensor gradient_Nd) = ChunkedLoss.CrossEntropy(pass.Hidden_Nd, model.HeadParameter.Trained, batch.Labels_N, rowsShare / tokens, options.LossChunk, model.HeadParameter.WorkingGradient);
        StepClock.Mark(StepPart.Loss);
        pass.Backward(gradient_Nd);
        StepClock.Mark(StepPart.Backward);
        return new LossValue(loss.MoveToOuterDisposeScope(), tokens, LossValue.NoExtras);
    }
}
