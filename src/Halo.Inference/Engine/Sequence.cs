using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Tokens that a model has read, and what it remembers of them. Made by an <see cref="InferenceEngine"/>; disposing hands the memory to other sequences.</summary>
public sealed class Sequence : IDisposable
{
    private readonly List<int> _ids = [];

    internal Sequence(InferenceEngine engine, ISequenceCache cache)
    {
        Engine = engine;
        Cache = cache;
    }

    /// <summary>Ids read so far.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Number of ids read so far.</summary>
    public int Length => _ids.Count;

    /// <summary>Bytes held, spare room included.</summary>
    public long Bytes => Cache.Bytes;

    internal InferenceEngine Engine { get; }

    internal ISequenceCache Cache { get; }

    internal bool IsDisposed { get; private set; }

    /// <summary>Logits after the last id, float32 (1,V); null where nothing was read or they were not made.</summary>
    internal Tensor? Logits_1V { get; private set; }

    /// <summary>Forgets everything; the memory is kept.</summary>
    public void Clear()
    {
        Cache.Clear();
        _ids.Clear();
        SetLogits(null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            SetLogits(null);
            Cache.Dispose();
        }
    }

    /// <summary>Notes ids that were read, and the logits after them, which become the sequence's own.</summary>
    internal void Extend(ReadOnlySpan<int> ids, Tensor? logits_1V)
    {
        _ids.AddRange(ids);
        SetLogits(logits_1V);
    }

    /// <summary>Takes the place of what was read before.</summary>
    internal void Replace(IEnumerable<int> ids, Tensor? logits_1V)
    {
        _ids.Clear();
        _ids.AddRange(ids);
        SetLogits(logits_1V);
    }

    private void SetLogits(Tensor? logits_1V)
    {
        Logits_1V?.Dispose();
        Logits_1V = logits_1V?.DetachFromDisposeScope();
    }
}
