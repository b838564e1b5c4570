using System.Text;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Text.Data;

namespace Halo.Evaluation;

/// <summary>
/// lm-evaluation-harness's wikitext: every page, detokenized, is predicted id by id in rolling windows of the model's length;
/// word_perplexity = exp(-sum of log-likelihoods / words), byte_perplexity and bits_per_byte likewise by bytes, words and bytes being those of the page as it stands in the file.
/// </summary>
internal sealed class WikitextTask : PreparedTask<string>
{
    /// <summary>Length of the windows where neither the model nor the options set a bound.</summary>
    private const int DefaultLength = 2048;

    private static readonly string[] Places = ["wikitext", "wikitext-2", "wikitext-2-raw-v1"];

    /// <inheritdoc/>
    public override string Name => "wikitext";

    /// <inheritdoc/>
    public override void Check(EvaluationContext context) => Files(context);

    /// <inheritdoc/>
    protected override Entry[] Read(EvaluationContext context)
    {
        EvaluationOptions options = context.Options;
        string[] pages = [.. Pages(Files(context)).Skip(options.Offset).Take(options.Limit ?? int.MaxValue)];
        int prefix = RollingWindows.Prefix(context.Tokenizer);
        return pages.Length == 0
            ? throw new HaloException("no pages are left after offset and limit", Files(context)[0], "choose a smaller --offset, or get the file again")
            : InParallel(pages, (page, place) => new Entry(options.Offset + place, page, [.. RollingWindows.Make(prefix, context.Tokenizer.Encode(WikitextPages.Detokenize(page)), Length(context))]), context.Cancellation);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<ResultRecord> Report(EvaluationContext context, Entry[] entries, ScoredSequence[][] results)
    {
        double[] sums = [.. results.Select(windows => windows.Sum(window => window.LogLikelihood))];
        for (int i = 0; i < entries.Length && context.Samples is not null; i++)
        {
            context.Samples.Write(SampleRecord(context, entries[i], results[i], sums[i]));
        }

        double sum = sums.Sum();
        double words = entries.Sum(entry => (double)WikitextPages.Words(entry.Item)), bytes = entries.Sum(entry => (double)Encoding.UTF8.GetByteCount(entry.Item));
        var settings = new JsonObject { ["offset"] = context.Options.Offset, ["samples"] = entries.Length, ["window"] = Length(context) };
        (double byWord, double byByte, double bits) = Statistics.Rolling(sum, words, bytes);
        return
        [
            context.Record(Name, "word_perplexity", byWord, null, entries.Length, settings),
            context.Record(Name, "byte_perplexity", byByte, null, entries.Length, settings),
            context.Record(Name, "bits_per_byte", bits, null, entries.Length, settings),
        ];
    }

    /// <summary>Pages of text files, of records with a page each, or of records with a line each.</summary>
    internal static IEnumerable<string> Pages(IReadOnlyList<string> files)
    {
        if (files.All(file => !file.Contains(".json", StringComparison.OrdinalIgnoreCase) && !file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)))
        {
            return files.SelectMany(file => WikitextPages.Split(TextFile.ReadAll(file)));
        }

        JsonObject[] records = [.. BenchmarkFiles.Read(files)];
        try
        {
            return records.Length > 0 && records[0].ContainsKey("page")
                ? [.. records.Select(record => record.Text("page"))]
                : WikitextPages.Split(string.Concat(records.Select(record => record.Text("text"))));
        }
        catch (Exception error) when (error is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new HaloException($"a record is no page or line of WikiText: {error.Message}", files[0], "give records with a text 'page' (or 'text', a line each), or the .txt file", error);
        }
    }

    private static int Length(EvaluationContext context) => context.MaximumLength > 0 ? context.MaximumLength : DefaultLength;

    private static IReadOnlyList<string> Files(EvaluationContext context) => context.Options.WikitextPath is not { } path
        ? BenchmarkFiles.Find(context.Options.BenchmarksFolder, "wikitext", Places, ["test"], "wikitext-2-raw")
        : File.Exists(path) ? [path]
        : Directory.Exists(path) ? BenchmarkFiles.Find(Path.GetDirectoryName(Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)), "wikitext", [Path.GetFileName(Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)).ToLowerInvariant()], ["test"], null)
        : throw new HaloException("the WikiText file is missing", path, "check the path given with --wikitext");

    private static JsonObject SampleRecord(EvaluationContext context, Entry entry, ScoredSequence[] results, double sum) => new()
    {
        ["task"] = "wikitext",
        ["model"] = context.Model,
        ["doc_index"] = entry.Index,
        ["max_length"] = Length(context),
        ["page"] = entry.Item,
        ["text"] = WikitextPages.Detokenize(entry.Item),
        ["words"] = WikitextPages.Words(entry.Item),
        ["bytes"] = Encoding.UTF8.GetByteCount(entry.Item),
        ["loglikelihood"] = sum,
        ["windows"] = new JsonArray([.. entry.Requests.Zip(results, (request, scored) => (JsonNode)new JsonObject
        {
            ["context_ids"] = new JsonArray([.. request.Context.Select(id => (JsonNode)id)]),
            ["continuation_ids"] = new JsonArray([.. request.Continuation.Select(id => (JsonNode)id)]),
            ["loglikelihood"] = scored.LogLikelihood,
        })]),
    };
}
