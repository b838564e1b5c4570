using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>RULER's single-needle tasks: greedy, 128 new tokens, the fraction of samples whose value is in the output.</summary>
/// <param name="kind">Which of the three.</param>
internal sealed class NeedleTask(NeedleKind kind) : IEvaluationTask
{
    /// <summary>Samples a length in published tables, and the number without a limit.</summary>
    public const int PublishedSamples = 500;

    /// <summary>Depth buckets of a heat map; each is 10 percent of the prompt's tokens.</summary>
    public const int DepthBuckets = 10;

    private const int PaddedLength = 4096;
    private const int SortedTokens = 1 << 24;

    /// <inheritdoc/>
    public string Name => kind.Name;

    /// <inheritdoc/>
    public void Check(EvaluationContext context)
    {
        context.Lengths(Name);
        if (kind.Prose)
        {
            PlainText.Files(HaystackPath(context), "--haystack");
        }
    }

    /// <summary>Measures: for every length a <c>score</c> over all samples, and a <c>score_by_depth</c> for every depth bucket that has samples (settings.depth: its middle in percent).</summary>
    public IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        IHaystack haystack = kind.Prose
            ? new ProseHaystack(PlainText.Read(HaystackPath(context), "--haystack"), repeats: context.Options.Style == RulerStyle.Nvidia)
            : new LineHaystack();
        var records = new List<ResultRecord>();
        foreach (int length in context.Lengths(Name))
        {
            records.AddRange(RunLength(context, haystack, length));
        }

        return records;
    }

    private List<ResultRecord> RunLength(EvaluationContext context, IHaystack haystack, int length)
    {
        EvaluationOptions options = context.Options;
        var sampler = new NeedleSampler(kind, haystack, context.Tokenizer, options.Style, length, options.Seed);
        int count = options.Limit ?? PublishedSamples;
        int batch = options.Batch > 0 ? options.Batch : context.Generator.RowsThatFit(length);
        int window = Math.Clamp(SortedTokens / length, batch, Math.Max(batch, Math.Min(16 * batch, count)));
        var scores = new List<double>(count);
        var depths = new List<double>(count);
        for (int done = 0; done < count; done += window)
        {
            NeedleSample[] samples = sampler.Make(options.Offset + done, Math.Min(window, count - done));
            var predictions = new Dictionary<int, string>();
            foreach (NeedleSample[] rows in Batches(samples, batch, length))
            {
                foreach ((NeedleSample sample, string prediction) in rows.Zip(Answer(context, rows)))
                {
                    predictions.Add(sample.Index, prediction);
                }

                context.Log.Progress($"{context.Model} {Name} {length}", done + predictions.Count, count, scores.Count > 0 ? $"score {scores.Average():F3}" : "");
            }

            foreach (NeedleSample sample in samples)
            {
                double score = RulerScore.MatchAll(predictions[sample.Index], [sample.Draw.Value]);
                scores.Add(score);
                depths.Add(sample.NeedleDepth);
                context.Samples?.Write(SampleRecord(context, sample, predictions[sample.Index], score, length));
            }
        }

        return [.. Records(context, length, scores, depths)];
    }

    /// <summary>Samples of like length together; long ones only with their equals, since attention without pads needs no mask and is several times faster.</summary>
    private static IEnumerable<NeedleSample[]> Batches(NeedleSample[] samples, int batch, int length) => length <= PaddedLength
        ? samples.OrderBy(sample => sample.Ids.Length).Chunk(batch)
        : samples.GroupBy(sample => sample.Ids.Length).OrderBy(group => group.Key).SelectMany(group => group.Chunk(batch));

    private static string[] Answer(EvaluationContext context, NeedleSample[] samples)
    {
        var written = samples.Select(_ => new List<int>()).ToArray();
        bool EndsRow(int row, int id)
        {
            written[row].Add(id);
            return RulerScore.MatchAll(context.Tokenizer.Decode(written[row], skipSpecialTokens: true), [samples[row].Draw.Value]) == 1;
        }

        var generation = new GenerationOptions { MaxTokens = NeedleKind.NewTokens, StopIds = context.StopIds, EndsRow = context.Options.StopWhenFound ? EndsRow : null };
        int[][] outputs = context.Generator.Generate([.. samples.Select(sample => sample.Ids)], generation, context.Cancellation);
        return [.. outputs.Select(ids => context.Tokenizer.Decode(ids, skipSpecialTokens: true))];
    }

    private IEnumerable<ResultRecord> Records(EvaluationContext context, int length, List<double> scores, List<double> depths)
    {
        (double mean, double? stderr) = Statistics.Mean(scores);
        yield return context.Record(Name, "score", mean, stderr, scores.Count, Settings(context, length));
        foreach (var bucket in scores.Zip(depths).GroupBy(pair => Math.Min((int)(pair.Second * DepthBuckets), DepthBuckets - 1)).OrderBy(group => group.Key))
        {
            double[] inBucket = [.. bucket.Select(pair => pair.First)];
            (double bucketMean, double? bucketStderr) = Statistics.Mean(inBucket);
            JsonObject settings = Settings(context, length);
            settings["depth"] = (bucket.Key + 0.5) * 100 / DepthBuckets;
            yield return context.Record(Name, "score_by_depth", bucketMean, bucketStderr, inBucket.Length, settings);
        }
    }

    private JsonObject Settings(EvaluationContext context, int length)
    {
        var settings = new JsonObject
        {
            ["length"] = length,
            ["samples"] = context.Options.Limit ?? PublishedSamples,
            ["offset"] = context.Options.Offset,
            ["seed"] = context.Options.Seed,
            ["style"] = context.Options.Style == RulerStyle.Nvidia ? "nvidia" : "lm-eval",
        };
        if (kind.Prose)
        {
            settings["haystack"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(HaystackPath(context)));
        }

        return settings;
    }

    private JsonObject SampleRecord(EvaluationContext context, NeedleSample sample, string prediction, double score, int length) => new()
    {
        ["task"] = Name,
        ["model"] = context.Model,
        ["doc_index"] = sample.Index,
        ["input"] = sample.Prompt,
        ["outputs"] = new JsonArray(sample.Draw.Value),
        ["prediction"] = prediction,
        ["score"] = score,
        ["length"] = length,
        ["token_count"] = sample.Ids.Length,
        ["depth"] = Math.Round(sample.NeedleDepth * 100, 2),
        ["key"] = sample.Draw.Key,
        ["num_haystack"] = sample.Units,
    };

    private string HaystackPath(EvaluationContext context) =>
        context.Options.Haystack ?? throw new HaloException("no haystack text was given", Name, "give a text file or a folder of .txt files with --haystack");
}
