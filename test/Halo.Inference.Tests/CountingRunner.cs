using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Counts what goes through another runner.</summary>
internal sealed class CountingRunner(IModelRunner inner) : IModelRunner
{
    public int TokensRead { get; private set; }

    public Action? OnRead { get; set; }

    public string Name => inner.Name;

    public ModelConfiguration Configuration => inner.Configuration;

    public string Identity => inner.Identity;

    public Device Device => inner.Device;

    public ScalarType CacheType => inner.CacheType;

    public long WeightBytes => inner.WeightBytes;

    public long FreeBytes => inner.FreeBytes;

    public long CacheBytes(long length) => inner.CacheBytes(length);

    public long WorkBytes(long tokens) => inner.WorkBytes(tokens);

    public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity) => inner.Allocate(count, capacity);

    public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits)
    {
        TokensRead += ids.Sum(row => row.Length);
        OnRead?.Invoke();
        return inner.Prefill(caches, ids, wantLogits);
    }

    public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
    {
        TokensRead += caches.Count;
        return inner.Decode(caches, ids_B);
    }

    public void Dispose() => inner.Dispose();
}
