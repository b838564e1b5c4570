using Halo.Core;
using Halo.Models;

namespace Halo.Inference.Tests;

public sealed class SequenceScorerTests : IDisposable
{
    private readonly CausalLm model = TinyModel.Load("hypenet");

    private static ScoringRequest[] Requests =>
    [
        new(TinyModel.Ids(5, 1), TinyModel.Ids(1, 2)), new(TinyModel.Ids(1, 3), TinyModel.Ids(30, 4)), new(TinyModel.Ids(33, 5), TinyModel.Ids(7, 6)),
        new(TinyModel.Ids(12, 7), TinyModel.Ids(3, 8)), new(TinyModel.Ids(12, 9), TinyModel.Ids(3, 10)),
    ];

    public void Dispose() => model.Dispose();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(5, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 8)]
    [InlineData(3, 5)]
    public void EqualsThePlainLogSoftmaxWhateverTheBatchAndBlock(int batch, int block)
    {
        IReadOnlyList<ScoredSequence> scored = new SequenceScorer(model) { Block = block }.Score(Requests, batch: batch);
        for (int i = 0; i < Requests.Length; i++)
        {
            ScoringRequest request = Requests[i];
            double[][] log = TinyModel.LogProbabilities(model, [.. request.Context, .. request.Continuation]);
            int first = request.Context.Length - 1;
            double sum = request.Continuation.Select((id, position) => log[first + position][id]).Sum();
            bool[] matches = [.. request.Continuation.Select((id, position) => log[first + position].Max() == log[first + position][id])];
            Assert.Equal(sum, scored[i].LogLikelihood, 1e-4);
            Assert.Equal(matches, scored[i].TokenMatches);
            Assert.Equal(request.Continuation.Length, scored[i].TokenLogLikelihoods.Length);
        }
    }

    [Fact]
    public void AGreedyContinuationIsGreedy()
    {
        int[] prompt = TinyModel.Ids(9, 1);
        int[] greedy = TinyModel.Greedy(model, prompt, 6);
        int[] wrong = [.. greedy[..5], (greedy[5] + 1) % TinyModel.Vocabulary];
        IReadOnlyList<ScoredSequence> scored = new SequenceScorer(model).Score([new(prompt, greedy), new(prompt, wrong)]);
        Assert.True(scored[0].IsGreedy);
        Assert.False(scored[1].IsGreedy);
        Assert.Equal([true, true, true, true, true, false], scored[1].TokenMatches);
    }

    [Fact]
    public void OnlyTheLastIdsAreRead()
    {
        ScoringRequest request = Requests[2];
        IReadOnlyList<ScoredSequence> cut = new SequenceScorer(model).Score([request], maximumLength: 16);

        // 16 + 1 ids are kept, 7 of them scored.
        IReadOnlyList<ScoredSequence> shorter = new SequenceScorer(model).Score([request with { Context = request.Context[^10..] }]);
        Assert.Equal(shorter[0].LogLikelihood, cut[0].LogLikelihood, 1e-5);
        Assert.NotEqual(new SequenceScorer(model).Score([request])[0].LogLikelihood, cut[0].LogLikelihood, 1e-5);
    }

    [Fact]
    public void BadRequestsAreNamed()
    {
        var scorer = new SequenceScorer(model);
        Assert.Contains("request 1", Assert.Throws<HaloException>(() => scorer.Score([new([1], [2]), new([], [2])])).Message);
        Assert.Throws<HaloException>(() => scorer.Score([new([1], [])]));
        Assert.Contains("151", Assert.Throws<HaloException>(() => scorer.Score([new([1], [151])])).Message);
        Assert.Contains("exceed", Assert.Throws<HaloException>(() => scorer.Score([new([1], [2, 3, 4])], maximumLength: 2)).Message);
    }
}
