using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Testing;
using Halo.Text.Data;

namespace Halo.Evaluation.Tests;

public class NeedleTests
{
    private static readonly string Haystack = Golden.Path("ruler/haystack.txt");

    [Theory]
    [InlineData("niah_single_1", 1024, RulerStyle.Nvidia)]
    [InlineData("niah_single_2", 1024, RulerStyle.Nvidia)]
    [InlineData("niah_single_3", 2048, RulerStyle.Nvidia)]
    [InlineData("niah_single_1", 4096, RulerStyle.LmEval)]
    [InlineData("niah_single_2", 8192, RulerStyle.LmEval)]
    public void SamplesAreNeverLongerThanAskedAndLittleShorter(string task, int length, RulerStyle style)
    {
        var tokenizer = new AsciiTokenizer();
        NeedleKind kind = Kind(task);
        IHaystack haystack = kind.Prose ? new ProseHaystack(File.ReadAllText(Haystack)) : new LineHaystack();
        var sampler = new NeedleSampler(kind, haystack, tokenizer, style, length, 7);
        for (int index = 0; index < 45; index++)
        {
            NeedleSample sample = sampler.Make(index);
            int prefix = style == RulerStyle.LmEval ? kind.AnswerPrefix(sample.Draw.Key).Length : 0;
            Assert.True(sample.Ids.Length - prefix + NeedleKind.NewTokens <= length);
            if (style == RulerStyle.Nvidia)
            {
                // A line is 91 characters, the longest words of this prose are below 20 and several may be given up at once.
                Assert.True(sample.Ids.Length + NeedleKind.NewTokens > length - 200, $"{sample.Ids.Length} of {length}");
            }

            Assert.Contains(kind.Needle(sample.Draw.Key, sample.Draw.Value), sample.Prompt, StringComparison.Ordinal);
            Assert.Equal(tokenizer.Encode(sample.Prompt), sample.Ids);
            Assert.InRange(sample.NeedleDepth, 0, 1);
        }
    }

    [Fact]
    public void ASampleIsAFunctionOfSeedLengthAndIndex()
    {
        NeedleDraw one = NeedleDraw.Make(NeedleKind.Single3, 1, 2048, 17);
        Assert.Equal(one, NeedleDraw.Make(NeedleKind.Single3, 1, 2048, 17));
        Assert.NotEqual(one, NeedleDraw.Make(NeedleKind.Single3, 2, 2048, 17));
        Assert.NotEqual(one, NeedleDraw.Make(NeedleKind.Single3, 1, 4096, 17));
        Assert.NotEqual(one, NeedleDraw.Make(NeedleKind.Single3, 1, 2048, 18));
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", one.Value);
        string[] key = one.Key.Split('-');
        Assert.True(RecallWords.IsTest(key[0], key[1]));
        Assert.Matches("^[1-9][0-9]{6}$", NeedleDraw.Make(NeedleKind.Single1, 1, 2048, 17).Value);
    }

    [Fact]
    public void EveryBlockOfFortySamplesTakesEveryDepthOnce()
    {
        // round(linspace(0, 100, 40)) of numpy.
        int[] expected =
        [
            0, 3, 5, 8, 10, 13, 15, 18, 21, 23, 26, 28, 31, 33, 36, 38, 41, 44, 46, 49, 51, 54, 56, 59, 62, 64, 67, 69, 72, 74, 77, 79, 82, 85, 87, 90, 92, 95, 97, 100,
        ];
        int[] First(int start) => [.. Enumerable.Range(start, 40).Select(index => (int)Math.Round(NeedleDraw.Make(NeedleKind.Single2, 3, 1024, index).Depth * 100))];
        Assert.Equal(expected, First(0).Order());
        Assert.Equal(expected, First(40).Order());
        Assert.NotEqual(First(0), First(40));
        Assert.NotEqual(expected, First(0));
    }

    [Fact]
    public void ScoresAndDepthsFollowWhatTheModelFinds()
    {
        // Finds needles in the first half of the text alone.
        var options = new EvaluationOptions { Tasks = ["S-NIAH-2"], Lengths = [2048, 1024], Limit = 40, Haystack = Haystack, Seed = 4 };
        bool Early(string prompt) => prompt.IndexOf(" is: ", StringComparison.Ordinal) + 5 < prompt.Length / 2;
        IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(TestContexts.Make(options, new OracleGenerator(Early)));
        Assert.Equal([1024, 2048], records.Where(record => record.Metric == "score").Select(record => record.Settings["length"]!.GetValue<int>()));
        Assert.All(records, record => Assert.Equal(("student", "niah_single_2", "nvidia"), (record.Model, record.Task, record.Settings["style"]!.GetValue<string>())));
        foreach (var cell in records.GroupBy(record => record.Settings["length"]!.GetValue<int>()))
        {
            ResultRecord score = cell.One("score");
            Assert.Equal(40, score.N);
            Assert.InRange(score.Value, 0.3, 0.7);
            Assert.Equal(Math.Sqrt(score.Value * (1 - score.Value) / 39), score.Stderr!.Value, 1e-9);
            ResultRecord[] byDepth = [.. cell.Where(record => record.Metric == "score_by_depth")];
            Assert.Equal(40, byDepth.Sum(record => record.N));
            Assert.All(byDepth, record => Assert.Equal(record.Settings["depth"]!.GetValue<double>() < 50 ? 1 : 0, record.Value));
        }
    }

    [Fact]
    public void EverySampleIsWrittenAndLimitAndOffsetCutTheSameSeries()
    {
        string folder = TestContexts.TemporaryFolder();
        try
        {
            JsonNode[] Samples(EvaluationOptions options)
            {
                string path = Path.Combine(folder, Guid.NewGuid() + ".jsonl");
                using (var writer = new SampleWriter(path))
                {
                    var generator = new OracleGenerator(_ => true);
                    EvaluationRunner.Run(TestContexts.Make(options, generator, samples: writer));
                    Assert.False(File.Exists(path));
                    writer.Commit();
                    Assert.All(generator.Batches, rows => Assert.InRange(rows, 1, options.Batch > 0 ? options.Batch : 3));
                }

                return [.. File.ReadLines(path).Select(line => JsonNode.Parse(line)!)];
            }

            var all = new EvaluationOptions { Tasks = ["niah_single_1"], Lengths = [1024], Limit = 10, Seed = 2 };
            JsonNode[] whole = Samples(all);
            JsonNode[] cut = Samples(all with { Offset = 4, Limit = 5, Batch = 2, StopWhenFound = false });
            Assert.Equal(Enumerable.Range(0, 10), whole.Select(sample => sample["doc_index"]!.GetValue<int>()));
            Assert.Equal(whole[4..9].Select(sample => sample["input"]!.GetValue<string>()), cut.Select(sample => sample["input"]!.GetValue<string>()));
            Assert.Equal(10, whole.Select(sample => sample["outputs"]![0]!.GetValue<string>()).Distinct().Count());
            Assert.All(whole, sample => Assert.Equal(sample["input"]!.GetValue<string>().Length, sample["token_count"]!.GetValue<int>()));
            Assert.All(whole, sample => Assert.Equal(" " + sample["outputs"]![0]!.GetValue<string>(), sample["prediction"]!.GetValue<string>()));
            Assert.All(cut, sample => Assert.EndsWith("And more", sample["prediction"]!.GetValue<string>(), StringComparison.Ordinal));
            Assert.All(cut.Concat(whole), sample => Assert.Equal(1, sample["score"]!.GetValue<double>()));
            Assert.Empty(Directory.GetFiles(folder, "*.partial"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void WhatIsMissingIsToldBeforeAnythingRuns()
    {
        var options = new EvaluationOptions { Tasks = ["niah_single_1", "niah_single_2"], Lengths = [1024], Limit = 1 };
        var generator = new OracleGenerator(_ => true);
        Assert.Contains("--haystack", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options, generator))).Message);
        Assert.Contains("--haystack", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { Haystack = "/none/such.txt" }, generator))).Message);
        Assert.Contains("--lengths", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { Lengths = [] }, generator))).Message);
        Assert.Contains("niah_single_9", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { Tasks = ["niah_single_9"] }, generator))).Message);
        Assert.Contains("no room", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { Tasks = ["niah_single_1"], Lengths = [300] }, generator))).Message);
        Assert.Empty(generator.Batches);
    }

    private static NeedleKind Kind(string task) => task switch
    {
        "niah_single_1" => NeedleKind.Single1,
        "niah_single_2" => NeedleKind.Single2,
        _ => NeedleKind.Single3,
    };
}
