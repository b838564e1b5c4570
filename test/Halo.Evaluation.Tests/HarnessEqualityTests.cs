using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Testing;

namespace Halo.Evaluation.Tests;

/// <summary>Prompts, ids, windows and scores equal lm-evaluation-harness; no model is needed.</summary>
public sealed class HarnessEqualityTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("items", "doc", 400)]
    [InlineData("items", "local", 400)]
    [InlineData("extra", "doc", 25)]
    [InlineData("extra", "local", 25)]
    [InlineData("prompts", "doc", 35)]
    public void RequestsAndIdsAreTheHarnesss(string file, string shape, int items)
    {
        int seen = 0;
        foreach (JsonObject record in GoldenItems.Records(file).Where(record => record["task"]!.GetValue<string>() != "wikitext"))
        {
            BenchmarkDefinition definition = BenchmarkDefinition.All.Single(one => one.Name == record["task"]!.GetValue<string>());
            BenchmarkItem item = definition.Item(record[shape]!.AsObject());
            JsonArray expected = record["requests"]!.AsArray();
            Assert.Equal(expected.Select(request => (request!["context"]!.GetValue<string>(), request["continuation"]!.GetValue<string>())), item.Requests.Select(request => (request.Context, request.Continuation)));
            if (record["norm_lengths"] is JsonNode lengths)
            {
                Assert.Equal(GoldenItems.Ids(lengths), item.Lengths);
            }

            if (record["gold"] is JsonNode gold && !definition.Guessed)
            {
                Assert.Equal(gold.GetValue<int>(), item.Gold);
            }

            if (expected[0]!["context_ids"] is not null)
            {
                ScoringRequest[] ids = RequestEncoder.EncodeAll(GoldenItems.Tokenizer, item.Requests);
                Assert.Equal(expected.Select(request => GoldenItems.Ids(request!["context_ids"])), ids.Select(request => request.Context));
                Assert.Equal(expected.Select(request => GoldenItems.Ids(request!["continuation_ids"])), ids.Select(request => request.Continuation));
            }

            seen++;
        }

        Assert.Equal(items, seen);
    }

    [Fact]
    public void EdgesOfEncodingAndCuttingAreTheHarnesss()
    {
        int seen = 0;
        foreach (JsonObject record in GoldenItems.Records("edge"))
        {
            ScoringRequest request = RequestEncoder.Encode(GoldenItems.Tokenizer, record["context"]!.GetValue<string>(), record["continuation"]!.GetValue<string>());
            Assert.Equal(GoldenItems.Ids(record["context_ids"]), request.Context);
            Assert.Equal(GoldenItems.Ids(record["continuation_ids"]), request.Continuation);
            seen++;
        }

        Assert.Equal(18, seen);
    }

    [Theory]
    [InlineData("doc")]
    [InlineData("local")]
    public void MetricsAndSamplesAreTheHarnesss(string shape)
    {
        GoldenItems.WriteFiles(folder, shape);
        JsonObject summary = JsonNode.Parse(File.ReadAllText(Golden.Path("eval/summary.json")))!["tasks"]!.AsObject();
        string[] tasks = [.. summary.Select(task => task.Key)];
        string path = Path.Combine(folder, "samples.jsonl");
        IReadOnlyList<ResultRecord> records;
        using (var samples = new SampleWriter(path))
        {
            var options = new EvaluationOptions { Tasks = tasks, BenchmarksFolder = folder };
            records = EvaluationRunner.Run(TestContexts.Make(options, scorer: new RecordedScorer(), samples: samples) with { Tokenizer = GoldenItems.Tokenizer });
            samples.Commit();
        }

        int compared = 0;
        foreach ((string task, JsonNode? entry) in summary)
        {
            foreach ((string metric, JsonNode? value) in entry!["metrics"]!.AsObject().Where(metric => !metric.Key.Contains("stderr", StringComparison.Ordinal)))
            {
                ResultRecord record = records.Single(one => one.Task == task && one.Metric == metric);
                Assert.Equal(value!.GetValue<double>(), record.Value, 1e-5 * record.Value);
                Assert.Equal(40, record.N);
                if (entry["metrics"]![metric + "_stderr"] is JsonNode error)
                {
                    Assert.Equal(error.GetValue<double>(), record.Stderr!.Value, 1e-12);
                }

                compared++;
            }
        }

        Assert.Equal(16, compared);
        JsonObject[] written = [.. File.ReadLines(path).Select(line => JsonNode.Parse(line)!.AsObject())];
        foreach (JsonObject expected in GoldenItems.Records("items"))
        {
            JsonObject sample = written.Single(one => one["task"]!.ToJsonString() == expected["task"]!.ToJsonString() && one["doc_index"]!.GetValue<int>() == expected["doc_index"]!.GetValue<int>());
            foreach (string key in new[] { "gold", "acc", "acc_norm", "norm_lengths" }.Where(key => expected[key] is not null && sample[key] is not null))
            {
                Assert.True(JsonNode.DeepEquals(expected[key], sample[key]) || expected[key]!.GetValue<double>() == sample[key]!.GetValue<double>(), $"{sample["task"]} {sample["doc_index"]} {key}");
            }

            Assert.Equal(expected["acc"]!.GetValue<double>(), sample["acc"]!.GetValue<double>());
            Assert.Equal(expected["requests"]!.AsArray().Count, sample["requests"]!.AsArray().Count);
        }
    }

    [Fact]
    public void ScoringAloneIsTheHarnesss()
    {
        int seen = 0;
        foreach (JsonObject entry in GoldenItems.Records("scores"))
        {
            double[] Values(string key) => [.. entry[key]!.AsArray().Select(value => value!.GetValue<double>())];
            double Value(string key) => entry[key]!.GetValue<double>();
            switch (entry["kind"]!.GetValue<string>())
            {
                case "multiple_choice":
                    BenchmarkItem item = BenchmarkItem.OfChoices("", [.. entry["choices"]!.AsArray().Select(choice => choice!.GetValue<string>())], entry["gold"]!.GetValue<int>());
                    Assert.Equal(GoldenItems.Ids(entry["lengths"]), item.Lengths);
                    Assert.Equal(new ItemScore(Value("acc"), Value("acc_norm")), ItemScore.OfChoices(Values("loglikelihoods"), item.Lengths, item.Gold));
                    break;
                case "contains":
                    Assert.Equal(Value("contains") == 1, PythonText.ContainsIgnoringCase(entry["prediction"]!.GetValue<string>(), entry["value"]!.GetValue<string>()));
                    break;
                case "mean":
                    (double mean, double? stderr) = Statistics.Mean(Values("values"));
                    Assert.Equal(Value("mean"), mean, 1e-12);
                    Assert.Equal(entry["stderr"]?.GetValue<double>() ?? -1, stderr ?? -1, 1e-12);
                    break;
                case "group":
                    (double whole, double? pooled) = Statistics.Pooled([.. Values("metrics").Select((metric, i) => (metric, (double?)Values("stderrs")[i], (int)Values("sizes")[i]))]);
                    Assert.Equal(Value("mean"), whole, 1e-12);
                    Assert.Equal(Value("stderr"), pooled!.Value, 1e-12);
                    break;
                case "perplexity":
                    Assert.Equal(Value("perplexity"), Statistics.Perplexity(Values("loglikelihoods")).Perplexity, 1e-12);
                    break;
                case "rolling":
                    (double word, double bytes, double bits) = Statistics.Rolling(Values("loglikelihoods").Sum(), Values("words").Sum(), Values("bytes").Sum());
                    Assert.Equal([Value("word_perplexity"), Value("byte_perplexity"), Value("bits_per_byte")], [word, bytes, bits], (one, other) => Math.Abs(one - other) < 1e-10 * one);
                    break;
                default:
                    continue;
            }

            seen++;
        }

        Assert.Equal(Golden.Lines("eval/scores.jsonl").Count(), seen);
    }
}
