using System.Text.Json.Nodes;
using Halo.Testing;
using Halo.Text;

namespace Halo.Evaluation.Tests;

public class RulerPromptTests
{
    private static readonly Lazy<string> Prose = new(() => File.ReadAllText(Golden.Path("ruler/haystack.txt")));
    private static readonly Lazy<ITokenizer> Qwen3 = new(() =>
    {
        string path = Golden.Path("tokenizer/qwen3/tokenizer.json");
        Golden.Path("tokenizer/qwen3/tokenizer_config.json");
        return HuggingFaceTokenizer.Load(Path.GetDirectoryName(path)!);
    });

    public static TheoryData<string, string, int> Files => new()
    {
        { "ruler/niah_single_1.jsonl", "niah_single_1", 8 }, { "ruler/niah_single_2.jsonl", "niah_single_2", 8 }, { "ruler/niah_single_3.jsonl", "niah_single_3", 8 },
        { "ruler/nvidia/niah_single_1.jsonl", "niah_single_1", 4 }, { "ruler/nvidia/niah_single_2.jsonl", "niah_single_2", 5 }, { "ruler/nvidia/niah_single_3.jsonl", "niah_single_3", 4 },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void RecordedDrawsRebuildThePromptsAndTheirTokenCounts(string file, string task, int records)
    {
        NeedleKind kind = Kind(task);
        int seen = 0;
        foreach (JsonNode record in Golden.Lines(file).Select(line => JsonNode.Parse(line)!))
        {
            string key = record["keys"]![0]!.GetValue<string>();
            string value = record["values"]![0]![0]!.GetValue<string>();
            int units = record["num_haystack"]!.GetValue<int>();
            int place = record[kind.Prose ? "insertion_offsets" : "insertion_indexes"]![0]!.GetValue<int>();
            string input = kind.Input(Haystack(kind, record).Insert(units, place, kind.Needle(key, value)), key);
            Assert.Equal(record["input"]!.GetValue<string>(), input);

            string prefix = record["answer_prefix"]?.GetValue<string>() ?? record["delimiter"]!.GetValue<string>() + record["gen_prefix"]!.GetValue<string>();
            Assert.Equal(prefix, kind.AnswerPrefix(key));
            if (record["tokenizer"]!.GetValue<string>() == "qwen3")
            {
                int whole = record["prompt_token_count"]?.GetValue<int>() ?? record["token_count"]!.GetValue<int>();
                Assert.Equal(whole, Qwen3.Value.Encode(input + prefix).Length);
            }

            seen++;
        }

        Assert.Equal(records, seen);
    }

    [Theory]
    [InlineData("ruler/niah_single_1.jsonl", "niah_single_1")]
    [InlineData("ruler/niah_single_2.jsonl", "niah_single_2")]
    [InlineData("ruler/niah_single_3.jsonl", "niah_single_3")]
    public void TheHarnessFormFindsTheRecordedSizes(string file, string task)
    {
        NeedleKind kind = Kind(task);
        foreach (JsonNode record in Golden.Lines(file).Select(line => JsonNode.Parse(line)!).Where(record => record["tokenizer"]!.GetValue<string>() == "qwen3"))
        {
            int length = record["max_length"]!.GetValue<int>();
            IHaystack haystack = kind.Prose ? new ProseHaystack(Prose.Value, repeats: false) : new LineHaystack();
            var sampler = new NeedleSampler(kind, haystack, Qwen3.Value, RulerStyle.LmEval, length, seed: 1);
            Assert.Equal(record["num_haystack"]!.GetValue<int>(), sampler.Make(0).Units);
        }
    }

    [Fact]
    public void ScoresEqualBothImplementations()
    {
        var all = new List<double>();
        var part = new List<double>();
        foreach (JsonNode entry in Golden.Lines("ruler/scoring.jsonl").Select(line => JsonNode.Parse(line)!))
        {
            if (entry["kind"]!.GetValue<string>() == "single")
            {
                string prediction = entry["prediction"]!.GetValue<string>();
                string[] references = [.. entry["references"]!.AsArray().Select(reference => reference!.GetValue<string>())];
                Assert.Equal(entry["processed"]!.GetValue<string>(), RulerScore.Clean(prediction));
                all.Add(RulerScore.MatchAll(prediction, references));
                part.Add(RulerScore.MatchPart(prediction, references));
                Assert.Equal(entry["lm_eval"]!["string_match_all"]!.GetValue<double>(), all[^1], 1e-12);
                Assert.Equal(entry["ruler"]!["string_match_part"]!.GetValue<double>(), Math.Round(part[^1] * 100, 2), 1e-9);
            }
            else
            {
                int[] cases = [.. entry["cases"]!.AsArray().Select(index => index!.GetValue<int>())];
                Assert.Equal(entry["lm_eval"]!["string_match_all"]!.GetValue<double>(), Statistics.Mean([.. cases.Select(index => all[index])]).Mean, 1e-12);
                Assert.Equal(entry["ruler"]!["string_match_part"]!.GetValue<double>(), Math.Round(Statistics.Mean([.. cases.Select(index => part[index])]).Mean * 100, 2), 1e-9);
            }
        }

        Assert.Equal(34, all.Count);
    }

    [Fact]
    public void OwnSentencesAgreeMostlyWithPunkt()
    {
        JsonNode last = Golden.Lines("ruler/sentences.jsonl").Select(line => JsonNode.Parse(line)!).MaxBy(entry => entry["words"]!.GetValue<int>())!;
        HashSet<int> expected = [.. last["ends"]!.AsArray().Select(end => end!.GetValue<int>())];
        var haystack = new ProseHaystack(Prose.Value);
        List<int> found = SentenceSplitter.Ends(haystack.Text(last["words"]!.GetValue<int>()));
        double agree = found.Count(expected.Contains);
        Assert.True(agree / found.Count > 0.95, $"precision {agree / found.Count:F3} of {found.Count}");
        Assert.True(agree / expected.Count > 0.95, $"recall {agree / expected.Count:F3} of {expected.Count}");
    }

    private static NeedleKind Kind(string task) => task switch
    {
        "niah_single_1" => NeedleKind.Single1,
        "niah_single_2" => NeedleKind.Single2,
        _ => NeedleKind.Single3,
    };

    private static IHaystack Haystack(NeedleKind kind, JsonNode record)
    {
        if (!kind.Prose)
        {
            return new LineHaystack();
        }

        int words = record["haystack_words"]?.GetValue<int>() ?? int.MaxValue;
        return new ProseHaystack(string.Join(' ', Prose.Value.Split(' ').Take(words)));
    }
}
