using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>The caches of several parts as one, for Lightning layers; attention layers go part by part.</summary>
internal sealed class JoinedCache(IReadOnlyList<CallPart> parts) : ILayerCache
{
    /// <inheritdoc/>
    public (Tensor K_BHSD, Tensor V_BHSD) Append(int layer, Tensor k_BHTD, Tensor v_BHTD) =>
        throw new InvalidOperationException("keys and values are appended part by part");

    /// <inheritdoc/>
    public Tensor? State(int layer) => cat([.. parts.Select(part => part.Cache.State(layer)!)], 0);

    /// <inheritdoc/>
    public void SetState(int layer, Tensor state_BHDD)
    {
        long start = 0;
        foreach (CallPart part in parts)
        {
            using Tensor rows = state_BHDD.narrow(0, start, part.Lengths.Count);
            part.Cache.SetState(layer, rows);
            start += part.Lengths.Count;
        }
    }
}
