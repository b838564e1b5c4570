using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Knows the likeliest ids of its last step alone, as a buffer that the next step overwrites.</summary>
internal sealed class LikeliestRunner(IModelRunner inner, bool knows) : IModelRunner
{
    private readonly Tensor ids = zeros(64, ScalarType.Int64);
    private Tensor? last;

    public int Asked { get; private set; }

    /// <summary>Ids that were read one by one.</summary>
    public int Decoded { get; private set; }

    public bool Fails { get; set; }

    public string Name => inner.Name;

    public ModelConfiguration Configuration => inner.Configuration;

    public string Identity => inner.Identity;

    public Device Device { get; set; } = inner.Device;

    public ScalarType CacheType => inner.CacheType;

    public long WeightBytes => inner.WeightBytes;

    public long FreeBytes => inner.FreeBytes;

    public long CacheBytes(long length) => inner.CacheBytes(length);

    public long WorkBytes(long tokens) => inner.WorkBytes(tokens);

    public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity) => inner.Allocate(count, capacity);

    public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits) => inner.Prefill(caches, ids, wantLogits);

    public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
    {
        if (Fails)
        {
            throw new InvalidOperationException("a step failed");
        }

        Tensor logits_BV = inner.Decode(caches, ids_B);
        Decoded += caches.Count;
        ids.fill_(-1);
        using Tensor likeliest = logits_BV.argmax(-1), place = ids.narrow(0, 0, caches.Count);
        place.copy_(likeliest);
        return last = logits_BV;
    }

    public Tensor? Likeliest(Tensor logits_BV)
    {
        if (!knows || !ReferenceEquals(logits_BV, last))
        {
            return null;
        }

        Asked++;
        return ids.narrow(0, 0, logits_BV.shape[0]);
    }

    public void Dispose()
    {
        ids.Dispose();
        inner.Dispose();
    }
}
