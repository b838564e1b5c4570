namespace Halo.Inference;

/// <summary>How new tokens are chosen, and when to end.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most new tokens a row (at least 1).</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>0 is greedy; else logits are divided by it before sampling.</summary>
    public double Temperature { get; init; }

    /// <summary>Samples from this many of the most likely tokens; 0 takes all.</summary>
    public int TopK { get; init; }

    /// <summary>Samples from the smallest set of most likely tokens whose probabilities reach this sum; 1 takes all. Applied after <see cref="TopK"/>.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Samples from tokens at least this many times as likely as the most likely one; 0 takes all. Applied last.</summary>
    public double MinP { get; init; }

    /// <summary>Logits of ids that the sequence holds are divided by it where positive, else multiplied, before all else; 1 changes nothing.</summary>
    public double RepetitionPenalty { get; init; } = 1;

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

    /// <summary>Log-probabilities of each new token and of this many of the most likely ones, before penalty and temperature; null for none.</summary>
    public int? LogProbabilities { get; init; }
}
