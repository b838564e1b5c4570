using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>A benchmark of log-likelihood requests, with the figures of lm-evaluation-harness.</summary>
/// <param name="definition">Which one.</param>
internal sealed class BenchmarkTask(BenchmarkDefinition definition) : PreparedTask<BenchmarkTask.Question>
{
    /// <inheritdoc/>
    public override string Name => definition.Name;

    /// <inheritdoc/>
    public override void Check(EvaluationContext context) => Files(context);

    /// <inheritdoc/>
    protected override Entry[] Read(EvaluationContext context)
    {
        EvaluationOptions options = context.Options;
        IReadOnlyList<string> files = Files(context);
        JsonObject[] records = [.. BenchmarkFiles.Read(files).Skip(options.Offset).Take(options.Limit ?? int.MaxValue)];
        return records.Length == 0
            ? throw new HaloException("no items are left after offset and limit", files[0], "choose a smaller --offset, or get the file again")
            : InParallel(records, (record, place) => Encode(context, files[0], record, options.Offset + place), context.Cancellation);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<ResultRecord> Report(EvaluationContext context, Entry[] entries, ScoredSequence[][] results)
    {
        var settings = new JsonObject { ["offset"] = context.Options.Offset, ["samples"] = entries.Length };
        ItemScore[] scores = [.. entries.Zip(results, (entry, scored) => ItemScore.Of(definition, entry.Item.Item, scored))];
        for (int i = 0; i < entries.Length && context.Samples is not null; i++)
        {
            context.Samples.Write(SampleRecord(context, entries[i], results[i], scores[i]));
        }

        var records = new List<ResultRecord>();
        if (entries[0].Item.Item.Subject is not null)
        {
            records.AddRange(BySubject(context, entries, scores, settings));
        }
        else
        {
            (double accuracy, double? error) = Statistics.Mean([.. scores.Select(score => score.Accuracy)]);
            records.Add(context.Record(Name, "acc", accuracy, error, scores.Length, settings));
        }

        if (definition.Normalized)
        {
            (double normalized, double? error) = Statistics.Mean([.. scores.Select(score => score.Normalized)]);
            records.Add(context.Record(Name, "acc_norm", normalized, error, scores.Length, settings));
        }

        if (definition.Guessed)
        {
            (double perplexity, double? error) = Statistics.Perplexity([.. results.Select(scored => scored[0].LogLikelihood)]);
            var withMethod = (JsonObject)settings.DeepClone();
            withMethod["stderr_method"] = "delta";
            records.Add(context.Record(Name, "perplexity", perplexity, error, scores.Length, withMethod));
        }

        return records;
    }

    /// <summary>A subject's own accuracy, and before all the mean weighted by size with the pooled error.</summary>
    private IEnumerable<ResultRecord> BySubject(EvaluationContext context, Entry[] entries, ItemScore[] scores, JsonObject settings)
    {
        var groups = entries.Zip(scores).GroupBy(pair => pair.First.Item.Item.Subject, pair => pair.Second.Accuracy).OrderBy(group => group.Key, StringComparer.Ordinal).ToArray();
        (string? Subject, double Mean, double? Stderr, int Size)[] parts = [.. groups.Select(group => Statistics.Mean([.. group]) is var (mean, error) ? (group.Key, mean, error, group.Count()) : default)];
        (double whole, double? pooled) = Statistics.Pooled([.. parts.Select(part => (part.Mean, part.Stderr, part.Size))]);
        yield return context.Record(Name, "acc", whole, pooled, scores.Length, settings);
        foreach ((string? subject, double mean, double? error, int size) in parts)
        {
            var own = (JsonObject)settings.DeepClone();
            own["subject"] = subject;
            yield return context.Record(Name, "acc_by_subject", mean, error, size, own);
        }
    }

    private Entry Encode(EvaluationContext context, string file, JsonObject record, int index)
    {
        string where = $"{file}, item {index + 1}";
        try
        {
            BenchmarkItem item = definition.Item(record);
            return new Entry(index, new Question(record, item), RequestEncoder.EncodeAll(context.Tokenizer, item.Requests));
        }
        catch (Exception error) when (error is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new HaloException($"the record is no item of {Name}: {error.Message.TrimEnd('.')}", where, "give the set's own jsonl or parquet, or records of query, choices and gold", error);
        }
        catch (HaloException error)
        {
            throw new HaloException(error.What, where + (error.Where is { Length: > 0 } more ? ": " + more : ""), error.Remedy, error);
        }
    }

    private JsonObject SampleRecord(EvaluationContext context, Entry entry, ScoredSequence[] results, ItemScore score)
    {
        var requests = new JsonArray();
        for (int i = 0; i < results.Length; i++)
        {
            (TextRequest text, ScoringRequest ids) = (entry.Item.Item.Requests[i], entry.Requests[i]);
            requests.Add(new JsonObject
            {
                ["context"] = text.Context,
                ["continuation"] = text.Continuation,
                ["context_ids"] = new JsonArray([.. ids.Context.Select(id => (JsonNode)id)]),
                ["continuation_ids"] = new JsonArray([.. ids.Continuation.Select(id => (JsonNode)id)]),
                ["loglikelihood"] = results[i].LogLikelihood,
                ["is_greedy"] = results[i].IsGreedy,
            });
        }

        var sample = new JsonObject { ["task"] = Name, ["model"] = context.Model, ["doc_index"] = entry.Index, ["doc"] = entry.Item.Record.DeepClone(), ["requests"] = requests };
        if (!definition.Guessed)
        {
            sample["gold"] = entry.Item.Item.Gold;
            sample["norm_lengths"] = new JsonArray([.. entry.Item.Item.Lengths.Select(length => (JsonNode)length)]);
        }

        sample["acc"] = score.Accuracy;
        if (definition.Normalized)
        {
            sample["acc_norm"] = score.Normalized;
        }

        return sample;
    }

    private IReadOnlyList<string> Files(EvaluationContext context) =>
        BenchmarkFiles.Find(context.Options.BenchmarksFolder, Name, definition.Places, definition.Splits, definition.Preferred);

    /// <summary>A record and what the harness makes of it.</summary>
    internal sealed record Question(JsonObject Record, BenchmarkItem Item);
}
