using Halo.Models;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>What is minimised: computes a loss on rows and adds its gradients to the trained weights.</summary>
public interface IObjective
{
    /// <summary>A short name, kept in checkpoints: a checkpoint of another objective is refused.</summary>
    string Name { get; }

    /// <summary>The weights to train, each once.</summary>
    IReadOnlyList<Parameter> Trained { get; }

    /// <summary>Type of products. For bfloat16 on a GPU the trainer keeps the matrices in bfloat16 too, beside the float32 weights that it updates.</summary>
    ScalarType ComputeType => ScalarType.Float32;

    /// <summary>
    /// Adds to the gradients of <see cref="Trained"/> those of <paramref name="rowsShare"/> times the mean loss over the micro-batch. Called within
    /// a dispose scope; returned tensors belong to that scope.
    /// </summary>
    /// <param name="micro">Rows computed at once.</param>
    /// <param name="rowsShare">Rows of this micro-batch over rows of the global batch, so that the sum over the micro-batches is the mean over the global batch.</param>
    LossValue Accumulate(TokenBatch micro, double rowsShare);
}
