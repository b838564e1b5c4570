using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Where the real tokens and the documents of a batch lie. Positions (RoPE, scaling of logits) count from a row's first real token and run on over documents;
/// attention stays within a document and a Lightning state is cleared at a document's start. Outputs at pads mean nothing.
/// </summary>
public sealed record SequenceLayout
{
    /// <summary>Number of pads in front of each row, counted from the first token that a cache ever saw; null for none.</summary>
    public IReadOnlyList<int>? PadLeft { get; init; }

    /// <summary>Number of real tokens of each row, the pads being behind; null for all. Needs nothing to be done, for all forms are causal, but excludes a cache.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>Ordinal of each token's document, (B,T) of integers, not decreasing within a row; null for one document a row. Owned by the caller.</summary>
    public Tensor? Segments_BT { get; init; }

    /// <summary>Rows with pads in front.</summary>
    public static SequenceLayout Left(params IReadOnlyList<int> pads) => new() { PadLeft = pads };

    /// <summary>Rows with pads behind.</summary>
    public static SequenceLayout Right(params IReadOnlyList<int> lengths) => new() { Lengths = lengths };

    /// <summary>Rows of several documents.</summary>
    public static SequenceLayout Documents(Tensor segments_BT) => new() { Segments_BT = segments_BT };
}
