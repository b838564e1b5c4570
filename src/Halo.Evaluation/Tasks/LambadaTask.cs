using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>LAMBADA (OpenAI version) as lm-evaluation-harness scores it: greedy match of the last word, and exp(-mean log-likelihood).</summary>
internal sealed class LambadaTask : IEvaluationTask
{
    /// <inheritdoc/>
    public string Name => "lambada_openai";

    /// <inheritdoc/>
    public void Check(EvaluationContext context)
    {
        string path = FilePath(context);
        if (!File.Exists(path))
        {
            throw new HaloException("the benchmark file is missing", path, "put lambada_openai.jsonl into the folder given with --benchmarks");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        EvaluationOptions options = context.Options;
        LambadaItem[] items = [.. LambadaItem.ReadFile(FilePath(context)).Skip(options.Offset).Take(options.Limit ?? int.MaxValue)];
        if (items.Length == 0)
        {
            throw new HaloException("no items are left after offset and limit", FilePath(context), "choose a smaller --offset");
        }

        ScoringRequest[] requests = [.. items.Select(item => RequestEncoder.Encode(context.Tokenizer, item.Context, item.Continuation))];
        IReadOnlyList<ScoredSequence> scored = context.Scorer.Score(
            requests, context.MaximumLength, options.Batch, context.Cancellation, done => context.Log.Progress($"{context.Model} {Name}", done, items.Length, ""));
        for (int i = 0; i < items.Length; i++)
        {
            context.Samples?.Write(SampleRecord(context, options.Offset + i, items[i], requests[i], scored[i]));
        }

        (double accuracy, double? accuracyStderr) = Statistics.Mean([.. scored.Select(item => item.IsGreedy ? 1.0 : 0.0)]);
        (double perplexity, double? perplexityStderr) = Statistics.Perplexity([.. scored.Select(item => item.LogLikelihood)]);
        var settings = new JsonObject { ["offset"] = options.Offset, ["samples"] = items.Length };
        var withMethod = (JsonObject)settings.DeepClone();
        withMethod["stderr_method"] = "delta";
        return
        [
            context.Record(Name, "acc", accuracy, accuracyStderr, items.Length, settings),
            context.Record(Name, "perplexity", perplexity, perplexityStderr, items.Length, withMethod),
        ];
    }

    private JsonObject SampleRecord(EvaluationContext context, int index, LambadaItem item, ScoringRequest request, ScoredSequence scored) => new()
    {
        ["task"] = Name,
        ["model"] = context.Model,
        ["doc_index"] = index,
        ["requests"] = new JsonArray(new JsonObject
        {
            ["context"] = item.Context,
            ["continuation"] = item.Continuation,
            ["context_ids"] = new JsonArray([.. request.Context.Select(id => (JsonNode)id)]),
            ["continuation_ids"] = new JsonArray([.. request.Continuation.Select(id => (JsonNode)id)]),
            ["loglikelihood"] = scored.LogLikelihood,
            ["is_greedy"] = scored.IsGreedy,
        }),
        ["acc"] = scored.IsGreedy ? 1.0 : 0.0,
    };

    private static string FilePath(EvaluationContext context) => Path.Combine(
        context.Options.BenchmarksFolder ?? throw new HaloException("no folder of benchmark files was given", "lambada_openai", "give the folder that holds lambada_openai.jsonl with --benchmarks"),
        "lambada_openai.jsonl");
}
