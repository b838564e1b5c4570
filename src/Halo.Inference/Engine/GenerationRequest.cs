namespace Halo.Inference;

/// <summary>A continuation that is asked of an <see cref="InferenceEngine"/>.</summary>
public sealed record GenerationRequest
{
    /// <summary>The sequence, which is extended.</summary>
    public required Sequence Sequence { get; init; }

    /// <summary>Ids to read before the first new token; may be empty where the sequence holds some already.</summary>
    public IReadOnlyList<int> Prompt { get; init; } = [];

    /// <summary>How to write.</summary>
    public GenerationOptions Options { get; init; } = new();

    /// <summary>Number of the request: a part of the draws, and what <see cref="GenerationOptions.EndsRow"/> is asked with.</summary>
    public int Row { get; init; }

    /// <summary>Called with each new token as soon as it is known, before the sequence reads it; what it throws ends the work of all with that token unread.</summary>
    public Action<GeneratedToken>? OnToken { get; init; }

    /// <summary>Ends this request alone, between tokens and between blocks of its prompt; its sequence keeps what it has read.</summary>
    public CancellationToken Cancellation { get; init; }
}
