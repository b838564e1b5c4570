using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>What an objective found on a micro-batch. Tensors stay on the device until they are logged.</summary>
/// <param name="Loss">0-dimensional float32: the share of this micro-batch in the mean loss of the global batch.</param>
/// <param name="Tokens">Supervised tokens.</param>
/// <param name="Extras">Further figures by name, shares like the loss: 0-dimensional, or 1-dimensional (one figure a layer).</param>
public sealed record LossValue(Tensor Loss, long Tokens, IReadOnlyDictionary<string, Tensor> Extras)
{
    /// <summary>No further figures.</summary>
    public static IReadOnlyDictionary<string, Tensor> NoExtras { get; } = new Dictionary<string, Tensor>();
}
