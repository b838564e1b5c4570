using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// What one sequence has read: keys and values of attention layers, states of linear layers, in whatever form its <see cref="IModelRunner"/> keeps them.
/// Disposing hands the memory back to the runner, which may give it to another sequence; that one sees nothing of this one.
/// </summary>
public interface ISequenceCache : IDisposable
{
    /// <summary>Tokens read.</summary>
    int Length { get; }

    /// <summary>Bytes held, spare room included.</summary>
    long Bytes { get; }

    /// <summary>Forgets everything; the memory is kept.</summary>
    void Clear();

    /// <summary>
    /// A copy in the form that all runners of a model share, one entry a layer: keys (after norm and RoPE, without the scaling of logits) and values, each
    /// (Hkv, Length, D) in <see cref="IModelRunner.CacheType"/>; or the Lightning state, float32 (H, D, D), rows by key dimension.
    /// </summary>
    IReadOnlyList<Tensor[]> Export();

    /// <summary>Takes over a copy made by <see cref="Export"/>, of this runner or of another one of the same model, in place of what it held; types are converted.</summary>
    /// <param name="length">Tokens that the copy holds.</param>
    /// <param name="layers">One entry a layer; stays the caller's.</param>
    void Import(int length, IReadOnlyList<Tensor[]> layers);
}
