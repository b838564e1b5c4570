using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>All that a task may use.</summary>
public sealed record EvaluationContext
{
    /// <summary>Who is measured: <c>teacher</c>, <c>student</c>, or a name; goes into every record.</summary>
    public required string Model { get; init; }

    /// <summary>Writes continuations.</summary>
    public required IGenerator Generator { get; init; }

    /// <summary>Scores continuations.</summary>
    public required ISequenceScorer Scorer { get; init; }

    /// <summary>Text to ids and back.</summary>
    public required ITokenizer Tokenizer { get; init; }

    /// <summary>What to measure and how.</summary>
    public required EvaluationOptions Options { get; init; }

    /// <summary>Most ids that log-likelihood requests may read (the model's max_position_embeddings); 0 sets no bound.</summary>
    public int MaximumLength { get; init; }

    /// <summary>Ids that end an answer.</summary>
    public IReadOnlyCollection<int> StopIds { get; init; } = [];

    /// <summary>Settings that hold for all tasks, such as dtype and device kind; copied into every record.</summary>
    public JsonObject BaseSettings { get; init; } = [];

    /// <summary>Progress and messages.</summary>
    public IRunLog Log { get; init; } = NullRunLog.Instance;

    /// <summary>Takes one record an item, or null.</summary>
    public SampleWriter? Samples { get; init; }

    /// <summary>Ends the work between batches and tokens.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>A record of this model; <paramref name="settings"/> are put before the common ones.</summary>
    public ResultRecord Record(string task, string metric, double value, double? stderr, int n, JsonObject settings)
    {
        var all = (JsonObject)settings.DeepClone();
        foreach ((string key, JsonNode? value2) in BaseSettings)
        {
            all.TryAdd(key, value2?.DeepClone());
        }

        if (Options.YarnFactor is double factor)
        {
            all["yarn"] = factor;
        }

        return new ResultRecord(Model, task, metric, value, stderr, n, all);
    }

    /// <summary>The lengths asked for, ascending and without repeats.</summary>
    /// <exception cref="HaloException">None or an impossible one was given.</exception>
    internal IReadOnlyList<int> Lengths(string task)
    {
        if (Options.Lengths.Count == 0)
        {
            throw new HaloException("no lengths were given", task, "add for example --lengths 1k,4k");
        }

        return Options.Lengths.FirstOrDefault(length => length < 2, 2) is int low and < 2
            ? throw new HaloException($"a length of {low} tokens is impossible", task, "give lengths of at least 2 tokens")
            : [.. Options.Lengths.Distinct().Order()];
    }
}
