namespace Halo.Evaluation;

/// <summary>What to measure and how; also the shape of the evaluation part of a recipe.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Task names or aliases, see <see cref="EvaluationTasks"/>.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>Lengths in tokens, for the needle tasks and perplexity.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>Most items a task (and length): samples, windows or documents. Null: <see cref="NeedleTask.PublishedSamples"/> for needles, all for the rest.</summary>
    public int? Limit { get; init; }

    /// <summary>Items left out at the beginning.</summary>
    public int Offset { get; init; }

    /// <summary>Rows at once; 0 chooses by memory. Figures do not depend on it.</summary>
    public int Batch { get; init; }

    /// <summary>Seed of everything drawn.</summary>
    public long Seed { get; init; }

    /// <summary>Where one record an item is written (jsonl), or null.</summary>
    public string? SamplesPath { get; init; }

    /// <summary>Where finished requests are kept while a run goes on (jsonl), or null: a run that was killed and is started again with the same file does not score them anew. Removed at the end.</summary>
    public string? ResumePath { get; init; }

    /// <summary>Most ids that log-likelihood requests may read, and the length of WikiText's windows; null: the model's max_position_embeddings.</summary>
    public int? MaximumLength { get; init; }

    /// <summary>Folder of benchmark files, for example hellaswag.jsonl, or folders as Hugging Face lays them out.</summary>
    public string? BenchmarksFolder { get; init; }

    /// <summary>Text for perplexity: a file (.txt, also .br or .gz) or a folder of such.</summary>
    public string? TextFile { get; init; }

    /// <summary>WikiText: the file (.txt, .jsonl or .parquet) or its folder; null: looked for in <see cref="BenchmarksFolder"/>.</summary>
    public string? WikitextPath { get; init; }

    /// <summary>Prose for the needle tasks: a file (.txt, also .br or .gz) or a folder of such.</summary>
    public string? Haystack { get; init; }

    /// <summary>YaRN factor put on the model's rotary embedding, or null; recorded in the settings.</summary>
    public double? YarnFactor { get; init; }

    /// <summary>Whose counting the needle tasks follow.</summary>
    public RulerStyle Style { get; init; } = RulerStyle.Nvidia;

    /// <summary>Ends a needle's row as soon as its reference has been written. The score is the same, since more text cannot take a match away; only the recorded prediction is shorter.</summary>
    public bool StopWhenFound { get; init; } = true;
}
