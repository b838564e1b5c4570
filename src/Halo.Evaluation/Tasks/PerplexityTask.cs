using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>
/// Plain perplexity on any text. For a length L the text's ids are cut into windows of L + 1 ids that share one id with the next, so that every id after the first is predicted once,
/// from the ids before it in its window; a rest shorter than a window is left out. perplexity = exp(-mean log-likelihood of an id); bits per byte = -sum of log-likelihoods / ln 2 / UTF-8 bytes of the predicted ids.
/// </summary>
internal sealed class PerplexityTask : IEvaluationTask
{
    /// <inheritdoc/>
    public string Name => "perplexity";

    /// <inheritdoc/>
    public void Check(EvaluationContext context)
    {
        context.Lengths(Name);
        PlainText.Files(TextPath(context), "--text");
    }

    /// <summary>
    /// Measures for every length: <c>perplexity</c>, <c>bits_per_byte</c> and <c>next_token_accuracy</c> over all, and <c>perplexity_by_position</c> for buckets of positions (settings.position: the bucket's end).
    /// A length that the text cannot fill is left out with a message; if no length can be filled, that is an error.
    /// </summary>
    public IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        IReadOnlyList<int> lengths = context.Lengths(Name);
        EncodedText text = EncodedText.Encode(context.Tokenizer, PlainText.Read(TextPath(context), "--text"), IdsNeeded(context.Options, lengths));
        var records = new List<ResultRecord>();
        foreach (int length in lengths)
        {
            int windows = Math.Min(((text.Ids.Length - 1) / length) - context.Options.Offset, context.Options.Limit ?? int.MaxValue);
            if (windows < 1)
            {
                context.Log.Message($"perplexity at {length} left out: the text has {text.Ids.Length} tokens, {((long)(context.Options.Offset + 1) * length) + 1} are needed");
                continue;
            }

            records.AddRange(RunLength(context, text, length, windows));
        }

        return records.Count > 0 ? records : throw new HaloException(
            $"the text has {text.Ids.Length} tokens, too few for a window of {lengths[0]}", TextPath(context), "give a longer text with --text, or smaller --lengths and --offset");
    }

    /// <summary>Ends of the position buckets up to <paramref name="length"/>: 64, 128, 256, 512, 768, 1,024, 1,536, 2,048 and so on, and the length itself.</summary>
    public static IReadOnlyList<int> BucketEnds(int length)
    {
        var ends = new List<int>();
        for (int power = 64; power < length; power *= 2)
        {
            ends.Add(power);
            if (power >= 512 && power + (power / 2) < length)
            {
                ends.Add(power + (power / 2));
            }
        }

        ends.Add(length);
        return ends;
    }

    private List<ResultRecord> RunLength(EvaluationContext context, EncodedText text, int length, int windows)
    {
        int first = context.Options.Offset;
        ScoringRequest[] requests = [.. Enumerable.Range(first, windows).Select(window => new ScoringRequest(
            [text.Ids[window * length]], text.Ids[((window * length) + 1)..((window + 1) * length + 1)]))];
        IReadOnlyList<ScoredSequence> scored = context.Scorer.Score(
            requests, 0, context.Options.Batch, context.Cancellation, done => context.Log.Progress($"{context.Model} {Name} {length}", done, windows, ""));
        for (int window = 0; window < windows; window++)
        {
            context.Samples?.Write(SampleRecord(context, first + window, length, text, scored[window]));
        }

        return Records(context, text, length, windows, scored);
    }

    private List<ResultRecord> Records(EvaluationContext context, EncodedText text, int length, int windows, IReadOnlyList<ScoredSequence> scored)
    {
        int first = context.Options.Offset;
        double sum = scored.Sum(window => window.LogLikelihood);
        long bytes = text.Bytes((first * length) + 1, ((first + windows) * length) + 1);
        (double perplexity, double? stderr) = Statistics.Perplexity([.. scored.Select(window => window.LogLikelihood / length)]);
        JsonObject Settings() => new()
        {
            ["length"] = length,
            ["windows"] = windows,
            ["offset"] = first,
            ["text"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(TextPath(context))),
        };
        JsonObject whole = Settings();
        whole["stderr_method"] = "delta over windows";
        var records = new List<ResultRecord> { context.Record(Name, "perplexity", perplexity, stderr, windows * length, whole) };
        if (bytes > 0)
        {
            records.Add(context.Record(Name, "bits_per_byte", -sum / Math.Log(2) / bytes, null, windows * length, Settings()));
        }

        double matches = scored.Sum(window => (double)window.TokenMatches.Count(match => match));
        records.Add(context.Record(Name, "next_token_accuracy", matches / ((double)windows * length), null, windows * length, Settings()));
        int start = 0;
        foreach (int end in BucketEnds(length))
        {
            double[] means = [.. scored.Select(window => window.TokenLogLikelihoods.AsSpan(start, end - start).ToArray().Average(value => (double)value))];
            (double inBucket, double? bucketStderr) = Statistics.Perplexity(means);
            JsonObject settings = Settings();
            settings["position"] = end;
            settings["position_start"] = start;
            records.Add(context.Record(Name, "perplexity_by_position", inBucket, bucketStderr, windows * (end - start), settings));
            start = end;
        }

        return records;
    }

    private JsonObject SampleRecord(EvaluationContext context, int window, int length, EncodedText text, ScoredSequence scored) => new()
    {
        ["task"] = Name,
        ["model"] = context.Model,
        ["doc_index"] = window,
        ["length"] = length,
        ["token_count"] = length,
        ["bytes"] = text.Bytes((window * length) + 1, ((window + 1) * length) + 1),
        ["loglikelihood"] = scored.LogLikelihood,
    };

    /// <summary>Ids that limit and offset can reach, or null for all.</summary>
    private static long? IdsNeeded(EvaluationOptions options, IReadOnlyList<int> lengths) =>
        options.Limit is int limit ? ((long)options.Offset + limit) * lengths[^1] + 1 : null;

    private static string TextPath(EvaluationContext context) =>
        context.Options.TextFile ?? throw new HaloException("no text was given", "perplexity", "give a text file with --text");
}
