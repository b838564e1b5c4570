using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Evaluation;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;

namespace Halo.Cli.Commands;

/// <summary><c>halo eval MODEL --tasks T,T</c>.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder." };
        var tasks = new Option<string>("--tasks") { Description = $"Tasks, separated by commas: {string.Join(", ", EvaluationTasks.Names)}.", Required = true };
        var lengths = new Option<string>("--lengths") { Description = "Lengths in tokens: 1k,4k,16k (1k = 1,024).", DefaultValueFactory = _ => "1k" };
        var benchmarks = new Option<string?>("--benchmarks") { Description = "Folder of benchmark files: NAME.jsonl or NAME.parquet (hellaswag, arc_easy, ...), or folders as Hugging Face lays them out." };
        var wikitext = new Option<string?>("--wikitext") { Description = "WikiText: the test file or its folder (default: in --benchmarks)." };
        var longest = new Option<int?>("--max-length") { Description = "Most tokens that log-likelihood tasks read at once, and WikiText's window (default: the model's)." };
        var resume = new Option<string?>("--resume") { Description = "Keep finished requests in this file while running; started again with it, a run goes on where it was stopped." };
        var text = new Option<string?>("--text") { Description = "Text of perplexity: file or folder (default: the haystack)." };
        var haystack = new Option<string?>("--haystack") { Description = "Prose of the needle tasks: file or folder (default: what ships with Halo)." };
        var yarn = new Option<double?>("--yarn") { Description = "Read the model with YaRN of this factor." };
        var style = new Option<RulerStyle>("--style") { Description = "Whose counting the needle tasks follow.", DefaultValueFactory = _ => RulerStyle.Nvidia };
        var limit = new Option<int?>("--limit") { Description = "Items a task (and length) at most." };
        var offset = new Option<int>("--offset") { Description = "Items to leave out at the beginning." };
        var batch = new Option<int>("--batch") { Description = "Rows at once (0: by memory). Figures do not depend on it." };
        var samples = new Option<string?>("--samples") { Description = "Write one record an item to this jsonl file." };
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var weights = CommonOptions.Weights();
        var cache = CommonOptions.Cache();
        var json = CommonOptions.Json();
        var command = new Command("eval", "Measures a model.") { model, tasks, lengths, benchmarks, wikitext, longest, text, haystack, yarn, style, limit, offset, batch, seed, samples, resume, device, type, weights, cache, json }
            .WithExamples("halo eval models/hypenet-nano --tasks niah_single_1,niah_single_2 --lengths 1k,4k,16k --limit 50", "halo eval MODEL --tasks hellaswag,arc_easy,lambada_openai --benchmarks DIR --samples items.jsonl --resume items.journal --json", "halo eval MODEL --tasks perplexity --text book.txt --lengths 4k --yarn 4");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            string folder = parse.GetRequiredValue(model);
            string? prose = parse.GetValue(haystack) ?? HaloHome.TryPath("data/haystack");
            var options = new EvaluationOptions
            {
                Tasks = parse.GetRequiredValue(tasks).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                Lengths = LengthList.Parse(parse.GetRequiredValue(lengths)),
                MaximumLength = parse.GetValue(longest),
                WikitextPath = parse.GetValue(wikitext),
                ResumePath = parse.GetValue(resume),
                BenchmarksFolder = parse.GetValue(benchmarks),
                TextFile = parse.GetValue(text) ?? prose,
                Haystack = prose,
                YarnFactor = parse.GetValue(yarn),
                Style = parse.GetValue(style),
                Limit = parse.GetValue(limit),
                Offset = parse.GetValue(offset),
                Batch = parse.GetValue(batch),
                Seed = parse.GetValue(seed),
                SamplesPath = parse.GetValue(samples),
            };
            TorchSharp.torch.Device target = LibTorch.Device(parse.GetRequiredValue(device));
            var tokenizer = HuggingFaceTokenizer.Load(folder);
            using CausalLm loaded = EvaluationRunner.Load(folder, options, target, CommonOptions.ResolveType(parse.GetValue(type), target));
            loaded.CacheFormat = CommonOptions.ParseCache(parse.GetValue(cache));
            if (CommonOptions.ParseWeights(parse.GetValue(weights)) is { } bits)
            {
                loaded.Quantize(bits);
            }

            IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(loaded, tokenizer, options, new ConsoleRunLog(), Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), cancellation);
            if (parse.GetValue(weights) is { } format)
            {
                records = [.. records.Select(record => record with { Settings = With(record.Settings, "weights", format) })];
            }

            if (loaded.CacheFormat != CacheFormat.Full)
            {
                records = [.. records.Select(record => record with { Settings = With(record.Settings, "cache", parse.GetValue(cache)!) })];
            }

            if (parse.GetValue(json))
            {
                JsonOutput.Write(new JsonArray([.. records.Select(record => JsonSerializer.SerializeToNode(record, HaloJson.Line))]));
            }
            else
            {
                foreach (ResultRecord record in records)
                {
                    string error = record.Stderr is { } stderr ? string.Create(CultureInfo.InvariantCulture, $" ± {stderr:F4}") : "";
                    Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{record.Task,-18} {record.Metric,-18} {record.Value,12:F4}{error}  n={record.N}  {record.Settings.ToJsonString(HaloJson.Line)}"));
                }
            }

            return 0;
        });
        return command;
    }

    private static JsonObject With(JsonObject settings, string key, string value)
    {
        var own = (JsonObject)settings.DeepClone();
        own[key] = value;
        return own;
    }
}
