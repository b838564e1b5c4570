using Halo.Core;
using Halo.Inference;
using Halo.Models;

namespace Halo.Evaluation.Tests;

/// <summary>A run that was killed goes on where it stopped.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    private string Journal => Path.Combine(folder, "items.journal");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void FinishedRequestsAreNotScoredAgain()
    {
        ScoringRequest[] requests = [.. Enumerable.Range(0, 40).Select(i => new ScoringRequest([.. Enumerable.Repeat(i, 900)], [i, i + 1]))];
        var killed = new Stopping(calls: 1);
        using (var first = new ResumableScorer(killed, Journal, "m", NullRunLog.Instance))
        {
            Assert.Throws<OperationCanceledException>(() => first.Score(requests, 50));
        }

        int done = killed.Inner.Seen.Count;
        Assert.InRange(done, 1, 39);

        // The last line is torn, as a kill leaves it: its request alone is scored again.
        string[] lines = File.ReadAllLines(Journal);
        File.WriteAllText(Journal, string.Join('\n', lines[..^1]) + "\n" + lines[^1][..^3]);
        var scorer = new UniformScorer();
        using var second = new ResumableScorer(scorer, Journal, "m", NullRunLog.Instance);
        var reports = new List<int>();
        IReadOnlyList<ScoredSequence> scored = second.Score(requests, 50, onScored: reports.Add);
        Assert.Equal(requests.Length - done + 1, scorer.Seen.Count);
        Assert.Equal(new UniformScorer().Score(requests).Select(one => (one.LogLikelihood, one.IsGreedy)), scored.Select(one => (one.LogLikelihood, one.IsGreedy)));
        second.Score(requests, 50);
        Assert.Equal(requests.Length - done + 1, scorer.Seen.Count);
        second.Score(requests, 51); // Another bound is another request.
        Assert.Equal((2 * requests.Length) - done + 1, scorer.Seen.Count);
        second.Finish();
        Assert.False(File.Exists(Journal));
    }

    [Fact]
    public void AnotherModelsFiguresAreNotTaken()
    {
        ScoringRequest[] requests = [new([1], [2])];
        using (var one = new ResumableScorer(new UniformScorer(), Journal, "one", NullRunLog.Instance))
        {
            one.Score(requests);
        }

        var scorer = new UniformScorer();
        using var other = new ResumableScorer(scorer, Journal, "other", NullRunLog.Instance);
        other.Score(requests);
        Assert.Single(scorer.Seen);
        using CausalLm model = TestContexts.TinyModel();
        string before = ModelFingerprint.Of(model);
        Assert.Equal(before, ModelFingerprint.Of(model));
        using IDisposable constant = TorchSharp.torch.no_grad();
        model.Parameters[3].Value.add_(1);
        Assert.NotEqual(before, ModelFingerprint.Of(model));
    }

    [Fact]
    public void ARunWithAJournalGivesTheSameAndLeavesNone()
    {
        using CausalLm model = TestContexts.TinyModel();
        File.WriteAllLines(Path.Combine(folder, "copa.jsonl"), GoldenItems.Records("items").Where(record => record["task"]!.GetValue<string>() == "copa").Select(record => record["doc"]!.ToJsonString()));
        var options = new EvaluationOptions { Tasks = ["copa"], BenchmarksFolder = folder };
        ResultRecord plain = EvaluationRunner.Run(model, new AsciiTokenizer(), options, NullRunLog.Instance).One("acc");
        ResultRecord kept = EvaluationRunner.Run(model, new AsciiTokenizer(), options with { ResumePath = Journal }, NullRunLog.Instance).One("acc");
        Assert.Equal((plain.Value, plain.Stderr, plain.Settings.ToJsonString()), (kept.Value, kept.Stderr, kept.Settings.ToJsonString()));
        Assert.False(File.Exists(Journal));
    }

    private sealed class Stopping(int calls) : ISequenceScorer
    {
        private int left = calls;

        public UniformScorer Inner { get; } = new();

        public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null) =>
            left-- > 0 ? Inner.Score(requests) : throw new OperationCanceledException();
    }
}
