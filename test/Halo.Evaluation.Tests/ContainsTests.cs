using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation.Tests;

public sealed class ContainsTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AnAnswerIsTheTextUpToTheLineBreakOrFortyEightTokens()
    {
        // Prompt, value, what the model would write: found ignoring case; behind the line break; behind 48 tokens; at the very end of them; an answer of the longest prompt, which is read first.
        (string Prompt, string Value, string Written, string Answer, double Score)[] items =
        [
            ("a", "PARIS", " in Paris.", " in Paris.", 1), ("bb", "x", "y\nx", "y", 0), ("c", "end", new string('-', 46) + "end", new string('-', 46) + "en", 0),
            ("d", "end", new string('-', 45) + "end", new string('-', 45) + "end", 1), ("eeeeee", "a.b", "a.b\n", "a.b", 1), ("f", "a.b", "axb", "axb", 0), ("left out", "", "", "", 0),
        ];
        File.WriteAllLines(Path.Combine(folder, "swde.jsonl"), items.Select(item => new JsonObject { ["text"] = item.Prompt, ["value"] = item.Value }.ToJsonString()));
        var generator = new Scripted(items.ToDictionary(item => item.Prompt, item => item.Written));
        string path = Path.Combine(folder, "samples.jsonl");
        using var samples = new SampleWriter(path);
        var options = new EvaluationOptions { Tasks = ["swde"], BenchmarksFolder = folder, Limit = 6 };
        ResultRecord record = Assert.Single(EvaluationRunner.Run(TestContexts.Make(options, generator, samples: samples)));
        samples.Commit();
        Assert.Equal(("swde", "contains", 0.5, 6), (record.Task, record.Metric, record.Value, record.N));
        Assert.Equal(["eeeeee", "bb"], generator.Prompts.Take(2));
        JsonNode[] written = [.. File.ReadLines(path).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(items.Take(6).Select(item => (item.Answer, item.Score)), written.Select(sample => (sample["prediction"]!.GetValue<string>(), sample["contains"]!.GetValue<double>())));
    }

    private sealed class Scripted(Dictionary<string, string> answers) : IGenerator
    {
        public List<string> Prompts { get; } = [];

        public int RowsThatFit(int length) => 4;

        public int[][] Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, CancellationToken cancellation = default, Action<int, int>? onToken = null)
        {
            var tokenizer = new AsciiTokenizer();
            return [.. prompts.Select((prompt, row) =>
            {
                string text = tokenizer.Decode(prompt);
                Prompts.Add(text);
                var ids = new List<int>();
                foreach (int id in tokenizer.Encode(answers[text]).Take(options.MaxTokens))
                {
                    ids.Add(id);
                    if (options.EndsRow!(row, id))
                    {
                        break;
                    }
                }

                return ids.ToArray();
            })];
        }
    }
}
