using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// What computes for an <see cref="InferenceEngine"/>: one model on one device, and the caches of its sequences. B sequences, T tokens, V vocabulary.
/// The engine checks what callers hand in, chooses blocks and samples; a runner reads tokens and gives logits. Not safe for several threads at once.
/// A call that throws leaves the caches that it was given as they were.
/// </summary>
public interface IModelRunner : IDisposable
{
    /// <summary>Its name among <see cref="ModelRunners.Names"/>.</summary>
    string Name { get; }

    /// <summary>The model's configuration.</summary>
    ModelConfiguration Configuration { get; }

    /// <summary>Tells this model from others: <see cref="ModelIdentity.Of(CausalLm)"/>.</summary>
    string Identity { get; }

    /// <summary>Where ids and logits lie.</summary>
    Device Device { get; }

    /// <summary>Type in which keys and values are handed out by <see cref="ISequenceCache.Export"/>.</summary>
    ScalarType CacheType { get; }

    /// <summary>Bytes of weights that a step reads, whatever the number of sequences.</summary>
    long WeightBytes { get; }

    /// <summary>Bytes that caches and work may still take.</summary>
    long FreeBytes { get; }

    /// <summary>Bytes of the cache of one sequence.</summary>
    /// <param name="length">Tokens it holds.</param>
    long CacheBytes(long length);

    /// <summary>Bytes that a call needs beside the caches, an estimate.</summary>
    /// <param name="tokens">Tokens read in the call, B times T.</param>
    long WorkBytes(long tokens);

    /// <summary>Empty caches. Those made together lie together, which makes steps of all of them faster.</summary>
    /// <param name="count">How many.</param>
    /// <param name="capacity">Tokens that each is expected to hold; a cache grows beyond it by itself.</param>
    IReadOnlyList<ISequenceCache> Allocate(int count, int capacity);

    /// <summary>Reads a block of new tokens of each sequence behind what its cache holds.</summary>
    /// <param name="caches">B different caches of this runner.</param>
    /// <param name="ids">For each of them its new ids, at least one, the same number T for all.</param>
    /// <param name="wantLogits">Whether the logits after the last ids are asked for; the blocks before the last do without.</param>
    /// <returns>float32 (B,V) on <see cref="Device"/>, or null.</returns>
    Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits);

    /// <summary>Reads one new token of each sequence; lengths may differ.</summary>
    /// <param name="caches">B different caches of this runner.</param>
    /// <param name="ids_B">Their ids, int64, on <see cref="Device"/>: what was sampled there need not be brought to the host first.</param>
    /// <returns>Logits after them, float32 (B,V) on <see cref="Device"/>.</returns>
    Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B);

    /// <summary>The ids of the greatest logits (the lowest of equals), where they were found on the way.</summary>
    /// <param name="logits_BV">What <see cref="Decode"/> returned.</param>
    /// <returns>int64 (B) on <see cref="Device"/>, right until the runner's next call; null where they are not known, or not any more.</returns>
    Tensor? Likeliest(Tensor logits_BV) => null;
}
