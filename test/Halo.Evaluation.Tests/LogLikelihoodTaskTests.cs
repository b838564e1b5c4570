using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Testing;
using Halo.Text;

namespace Halo.Evaluation.Tests;

public sealed class LogLikelihoodTaskTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void LambadaReportsGreedyMatchesAndPerplexity()
    {
        // Every id costs 1, and matches when it is even; ids are characters, so the word "bd" is " bd" = 3 ids, all even ('b' 98, 'd' 100, ' ' 32).
        File.WriteAllLines(Path.Combine(folder, "lambada_openai.jsonl"), ["{\"text\":\"left out\"}", "{\"text\":\"a bd\"}", "{\"context\":\"x\",\"continuation\":\"abcd\"}", "{\"text\":\"y df\"}", "{\"text\":\"not reached\"}"]);
        var options = new EvaluationOptions { Tasks = ["lambada"], BenchmarksFolder = folder, Offset = 1, Limit = 3 };
        IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(TestContexts.Make(options));
        Assert.Equal(2.0 / 3, records.One("acc").Value, 1e-12);
        Assert.Equal(Math.Exp((3 + 5 + 3) / 3.0), records.One("perplexity").Value, 1e-9);
        Assert.Equal(3, records.One("acc").N);
    }

    [Fact]
    public void WhiteSpaceMovesFromTheContextToTheContinuation()
    {
        var tokenizer = new AsciiTokenizer { BosId = 2 };
        ScoringRequest request = RequestEncoder.Encode(tokenizer, "ab \n\u001c\t", "cd");
        Assert.Equal("ab", tokenizer.Decode(request.Context));
        Assert.Equal(" \n\u001c\tcd", tokenizer.Decode(request.Continuation));
        Assert.Equal([2], RequestEncoder.Encode(tokenizer, "", "cd").Context);
        Assert.Equal([AsciiTokenizer.End], RequestEncoder.Encode(new AsciiTokenizer(), "", "cd").Context);
        Assert.Throws<HaloException>(() => RequestEncoder.Encode(tokenizer, " \n", "cd"));
        Assert.Throws<HaloException>(() => RequestEncoder.Encode(tokenizer, "ab", ""));
    }

    [Fact]
    public void PerplexityFollowsItsDefinitionByLengthAndPosition()
    {
        string path = Path.Combine(folder, "text.txt");
        File.WriteAllText(path, new string('a', 1000));
        var scorer = new UniformScorer { Loss = position => position < 64 ? 2 : 1 };
        var options = new EvaluationOptions { Tasks = ["perplexity"], Lengths = [128, 300], TextFile = path };
        IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(TestContexts.Make(options, scorer: scorer));
        ResultRecord[] at128 = [.. records.Where(record => record.Settings["length"]!.GetValue<int>() == 128)];
        Assert.Equal(Math.Exp(1.5), at128.One("perplexity").Value, 1e-5);
        Assert.Equal(1.5 / Math.Log(2), at128.One("bits_per_byte").Value, 1e-5);
        Assert.Equal(0, at128.One("next_token_accuracy").Value); // 'a' is odd.
        Assert.Equal(7 * 128, at128.One("perplexity").N); // (1000 - 1) / 128 = 7 windows.
        ResultRecord[] positions = [.. at128.Where(record => record.Metric == "perplexity_by_position")];
        Assert.Equal([64, 128], positions.Select(record => record.Settings["position"]!.GetValue<int>()));
        Assert.Equal(Math.Exp(2), positions[0].Value, 1e-5);
        Assert.Equal(Math.Exp(1), positions[1].Value, 1e-5);
        Assert.Equal(Math.Exp(364.0 / 300), records.Single(record => record.Metric == "perplexity" && record.Settings["length"]!.GetValue<int>() == 300).Value, 1e-5);
    }

    [Fact]
    public void WindowsCoverEveryIdAfterTheFirstOnce()
    {
        string path = Path.Combine(folder, "text.txt");
        File.WriteAllText(path, string.Concat(Enumerable.Range(0, 500).Select(i => (char)('0' + (i % 64)))));
        var whole = new UniformScorer();
        var options = new EvaluationOptions { Tasks = ["perplexity"], Lengths = [100], TextFile = path };
        EvaluationRunner.Run(TestContexts.Make(options, scorer: whole));
        int[] ids = new AsciiTokenizer().Encode(File.ReadAllText(path));
        Assert.Equal(ids[1..401], whole.Seen.SelectMany(request => request.Continuation));
        Assert.All(whole.Seen.Zip(Enumerable.Range(0, 4)), pair => Assert.Equal([ids[pair.Second * 100]], pair.First.Context));

        // With limit and offset only the text's beginning is encoded; the windows are the same.
        var part = new UniformScorer();
        EvaluationRunner.Run(TestContexts.Make(options with { Offset = 1, Limit = 2 }, scorer: part));
        Assert.Equal(whole.Seen.Skip(1).Take(2).SelectMany(request => request.Continuation), part.Seen.SelectMany(request => request.Continuation));
    }

    [Fact]
    public void AShortTextLeavesLengthsOutOrFails()
    {
        string path = Path.Combine(folder, "text.txt");
        File.WriteAllText(path, new string('a', 200));
        var options = new EvaluationOptions { Tasks = ["perplexity"], Lengths = [100, 500], TextFile = path };
        Assert.DoesNotContain(EvaluationRunner.Run(TestContexts.Make(options)), record => record.Settings["length"]!.GetValue<int>() == 500);
        Assert.Contains("too few", Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { Lengths = [500] }))).Message);
    }

    [Fact]
    public void RecallCountsWholeAnswers()
    {
        // Even ids match. Rows of 6 ids; answers: {2,4} right, {3,4} wrong in one id, {6} right at the row's end.
        int[] ids = [1, 2, 4, 1, 3, 4, /**/ 1, 2, 2, 3, 5, 6];
        bool[] answers = [false, true, true, false, true, true, /**/ false, false, false, false, false, true];
        HeldOutAccuracy result = HeldOutAccuracy.Measure(new UniformScorer(), new TokenBatch(ids, 2, 5, Answers: answers));
        Assert.Equal(3, result.Answers);
        Assert.Equal(2.0 / 3, result.Recall!.Value, 1e-12);
        Assert.Equal(4.0 / 5, result.RecallTokenAccuracy!.Value, 1e-12);
        Assert.Equal(2.0 / 5, result.NextTokenAccuracy, 1e-12);
        Assert.Equal(1, result.Loss, 1e-6);
        Assert.Null(HeldOutAccuracy.Measure(new UniformScorer(), new TokenBatch(ids, 2, 5)).Recall);
    }
}
