using Halo.Core;
using Halo.Models;
using Halo.Testing;

namespace Halo.Evaluation.Tests;

/// <summary>All tasks on a real model: the same figures whatever the batch.</summary>
public sealed class TinyModelTests : IDisposable
{
    private static readonly string[] Tasks = ["perplexity", "niah_single_2", "lambada_openai"];

    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void FiguresDoNotDependOnTheBatch()
    {
        using CausalLm model = TestContexts.TinyModel();
        File.Copy(Golden.Path("eval/lambada_openai.jsonl"), Path.Combine(folder, "whole.jsonl"));
        File.WriteAllLines(Path.Combine(folder, "lambada_openai.jsonl"), File.ReadLines(Path.Combine(folder, "whole.jsonl")).Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["doc"]!.ToJsonString()));
        string haystack = Golden.Path("ruler/haystack.txt");
        var options = new EvaluationOptions { Tasks = Tasks, Lengths = [800], Limit = 3, Seed = 1, BenchmarksFolder = folder, TextFile = haystack, Haystack = haystack };
        var runs = new[] { 0, 1 }.Select(batch =>
        {
            string samples = Path.Combine(folder, $"samples{batch}.jsonl");
            IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(model, new AsciiTokenizer(), options with { Batch = batch, SamplesPath = samples }, NullRunLog.Instance, "student");
            string[] predictions = [.. File.ReadLines(samples).Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!["prediction"]?.GetValue<string>()).OfType<string>()];
            return (Records: records, Predictions: predictions);
        }).ToArray();
        Assert.Equal(3, runs[0].Predictions.Length);
        Assert.Equal(Tasks.Order(), runs[0].Records.Select(record => record.Task).Distinct().Order());
        foreach (var run in runs[1..])
        {
            Assert.Equal(runs[0].Predictions, run.Predictions);
            Assert.Equal(runs[0].Records.Count, run.Records.Count);
            foreach ((ResultRecord one, ResultRecord other) in runs[0].Records.Zip(run.Records))
            {
                Assert.Equal((one.Task, one.Metric, one.N, one.Settings.ToJsonString()), (other.Task, other.Metric, other.N, other.Settings.ToJsonString()));
                Assert.Equal(one.Value, other.Value, 1e-4 * Math.Max(1, Math.Abs(one.Value)));
            }
        }
    }

    [Fact]
    public void YarnChangesTheTeacherAndIsRecorded()
    {
        string config = Golden.Path("models/qwen3-untied/config.json");
        Golden.Path("models/qwen3-untied/model.safetensors");
        string model = Path.GetDirectoryName(config)!;
        string text = Golden.Path("ruler/haystack.txt");
        double Measure(EvaluationOptions options)
        {
            using CausalLm loaded = EvaluationRunner.Load(model, options, TorchSharp.torch.CPU, TorchSharp.torch.ScalarType.Float32);
            ResultRecord record = EvaluationRunner.Run(loaded, new AsciiTokenizer(), options, NullRunLog.Instance).One("perplexity");
            Assert.Equal(options.YarnFactor, record.Settings["yarn"]?.GetValue<double>());
            return record.Value;
        }

        var plain = new EvaluationOptions { Tasks = ["perplexity"], Lengths = [256], Limit = 2, TextFile = text };
        Assert.NotEqual(Measure(plain), Measure(plain with { YarnFactor = 4 }), 1e-6);
        Assert.Throws<HaloException>(() => Measure(plain with { YarnFactor = 0.5 }));
    }

    [Fact]
    public void TheTableSetsModelsSideBySide()
    {
        ResultRecord Record(string model, string metric, int length, double value, double? yarn = null)
        {
            var settings = new System.Text.Json.Nodes.JsonObject { ["length"] = length, ["seed"] = 1 };
            if (yarn is not null)
            {
                settings["yarn"] = yarn;
            }

            if (metric == "score_by_depth")
            {
                settings["depth"] = 5;
            }

            return new ResultRecord(model, "niah_single_1", metric, value, null, 10, settings);
        }

        ResultRecord[] records =
        [
            Record("teacher", "score", 1024, 1), Record("teacher", "score", 4096, 0), Record("student", "score", 4096, 0.9), Record("teacher", "score", 4096, 0.5, 8), Record("student", "score_by_depth", 4096, 1),
        ];
        ComparisonTable table = ComparisonTable.Build(records);
        Assert.Equal(["teacher", "student", "teacher (yarn 8)"], table.Models);
        Assert.Equal(["length 1024", "length 4096"], table.Rows.Select(row => row.Settings));
        Assert.Equal([1, null, null], table.Rows[0].Cells.Select(cell => cell?.Value));
        Assert.Equal([0, 0.9, 0.5], table.Rows[1].Cells.Select(cell => cell?.Value));
        Assert.Equal(3, ComparisonTable.Build(records, details: true).Rows.Count);
    }
}
