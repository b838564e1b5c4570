namespace Halo.Inference;

/// <summary>How <see cref="IGenerator"/> writes.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most new tokens a row (at least 1).</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>0 is greedy; else logits are divided by it before sampling.</summary>
    public double Temperature { get; init; }

    /// <summary>Samples from the smallest set of most likely tokens whose probabilities reach this sum; 1 takes all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Seed of sampling. The draw for token s of row r is a function of (seed, <see cref="FirstRow"/> + r, s), whatever else is in the batch.</summary>
    public long Seed { get; init; }

    /// <summary>Number of the first prompt, for callers that split a set of prompts into batches and want the draws of the whole.</summary>
    public long FirstRow { get; init; }

    /// <summary>Ids that end a row; the id itself is not handed out.</summary>
    public IReadOnlyCollection<int> StopIds { get; init; } = [];

    /// <summary>Asked after every new id of a row with (row, id): true ends the row, the id stays.</summary>
    public Func<int, int, bool>? EndsRow { get; init; }

    /// <summary>Longest prompt plus new tokens; 0 sets no bound.</summary>
    public int MaximumLength { get; init; }
}
