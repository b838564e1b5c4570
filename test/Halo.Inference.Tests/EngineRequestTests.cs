using Halo.Core;
using Halo.Models;

namespace Halo.Inference.Tests;

public sealed class EngineRequestTests : IDisposable
{
    private static readonly GenerationOptions Sampled = new() { MaxTokens = 12, Temperature = 1.4, TopK = 60, TopP = 0.95, MinP = 0.001, RepetitionPenalty = 1.2, Seed = 11, LogProbabilities = 3 };
    private readonly CausalLm model = TinyModel.Load("hypenet");
    private readonly InferenceEngine engine;

    public EngineRequestTests() => engine = new InferenceEngine(model, 0, ModelRunners.Tensors);

    public void Dispose()
    {
        engine.Dispose();
        model.Dispose();
    }

    [Fact]
    public void DrawsAreTheRequestsOwnWhateverTheCompany()
    {
        int[][] prompts = [.. Enumerable.Range(0, 5).Select(row => TinyModel.Ids(10 + (7 * row), row))];
        GenerationRequest Ask(int row) => new() { Sequence = engine.Create(), Prompt = prompts[row], Options = row == 3 ? new GenerationOptions { MaxTokens = 12 } : Sampled with { Seed = row }, Row = row };
        int[][] alone = [.. Enumerable.Range(0, 5).Select(row => engine.Generate([Ask(row)])[0].Ids)];
        int[][] together = [.. engine.Generate([.. Enumerable.Range(0, 5).Select(Ask)]).Select(result => result.Ids)];
        Assert.Equal(alone, together);
        Assert.Equal(TinyModel.Greedy(model, prompts[3], 12), together[3]); // Greedy beside sampled ones.
        Assert.NotEqual(alone[0], engine.Generate([Ask(0) with { Row = 1 }])[0].Ids);
    }

    [Fact]
    public void LogProbabilitiesAreThoseOfThePlainModel()
    {
        int[] prompt = TinyModel.Ids(33, 1);
        GenerationResult result = engine.Generate(engine.Create(), prompt, Sampled);
        double[][] expected = TinyModel.LogProbabilities(model, [.. prompt, .. result.Ids]);
        for (int i = 0; i < result.Tokens.Count; i++)
        {
            double[] row = expected[prompt.Length - 1 + i];
            GeneratedToken token = result.Tokens[i];
            Assert.Equal(row[token.Id], token.LogProbability, 1e-4);
            Assert.Equal(row.OrderDescending().Take(3), token.Top.Select(one => (double)one.LogProbability), (one, other) => Math.Abs(one - other) < 1e-4);
            Assert.Equal(Enumerable.Range(0, row.Length).OrderByDescending(id => row[id]).First(), token.Top[0].Id);
        }

        Assert.All(engine.Generate(engine.Create(), prompt, Sampled with { LogProbabilities = null }).Tokens, token => Assert.True(float.IsNaN(token.LogProbability) && token.Top.Count == 0));
    }

    [Fact]
    public void ARepetitionPenaltyKeepsAwayFromWhatWasRead()
    {
        // With a great penalty every id of the text is left, until all of the vocabulary was written once.
        int[] prompt = TinyModel.Ids(20, 1);
        int[] ids = engine.Generate(engine.Create(), prompt, new GenerationOptions { MaxTokens = 60, RepetitionPenalty = 1e6 }).Ids;
        double[] first = TinyModel.LogProbabilities(model, prompt)[^1];
        Assert.Equal(Enumerable.Range(0, first.Length).Except(prompt).MaxBy(id => first[id]), ids[0]);
        Assert.Equal(80 - (20 - prompt.Distinct().Count()), prompt.Concat(ids).Distinct().Count());
    }

    [Fact]
    public void ACancelledRequestLeavesTheOthersAndItsSequenceTrue()
    {
        int[][] prompts = [TinyModel.Ids(30, 1), TinyModel.Ids(44, 2), TinyModel.Ids(200, 3)];
        int[][] expected = [.. prompts.Select(prompt => TinyModel.Greedy(model, prompt, 10))];
        using var small = new InferenceEngine(model, 0, ModelRunners.Tensors) { PrefillBlock = 64 };
        using CancellationTokenSource after = new(), before = new();
        before.Cancel();
        int heard = 0;
        Sequence[] sequences = [small.Create(), small.Create(), small.Create()];
        CancellationToken[] tokens = [default, after.Token, before.Token];
        IReadOnlyList<GenerationResult> results = small.Generate([.. sequences.Select((one, row) => new GenerationRequest
        {
            Sequence = one, Prompt = prompts[row], Options = new GenerationOptions { MaxTokens = 10 }, Row = row, Cancellation = tokens[row],
            OnToken = row == 1 ? _ => CancelAt(4) : null,
        })]);
        Assert.Equal([EndReason.Length, EndReason.Cancelled, EndReason.Cancelled], results.Select(result => result.Reason));
        Assert.Equal([expected[0], expected[1][..4], []], results.Select(result => result.Ids));
        Assert.Empty(sequences[2].Ids);

        // All go on as if nothing had been.
        Assert.Equal(expected[1][4..], small.Generate(sequences[1], results[1].Ids[^1..], new GenerationOptions { MaxTokens = 6 }).Ids);
        Assert.Equal(expected[2], small.Generate(sequences[2], prompts[2], new GenerationOptions { MaxTokens = 10 }).Ids);

        void CancelAt(int count)
        {
            if (++heard == count)
            {
                after.Cancel();
            }
        }
    }

    [Fact]
    public void ReadingStopsBetweenBlocksAndGoesOn()
    {
        int[] prompt = TinyModel.Ids(200, 3);
        using var source = new CancellationTokenSource();
        using var runner = new CountingRunner(new TensorRunner(model));
        runner.OnRead = () => CancelAt(128);
        using var small = new InferenceEngine(runner) { PrefillBlock = 64 };
        using Sequence sequence = small.Create();
        Assert.Throws<OperationCanceledException>(() => small.Read(sequence, prompt, source.Token));
        Assert.Equal(prompt[..128], sequence.Ids);
        Assert.Equal(TinyModel.Greedy(model, prompt, 5), small.Generate(sequence, prompt[128..], new GenerationOptions { MaxTokens = 5 }).Ids);

        void CancelAt(int tokens)
        {
            if (runner.TokensRead == tokens)
            {
                source.Cancel();
            }
        }
    }

    [Fact]
    public void RefusalsComeBeforeWorkAndHarmNobody()
    {
        using var runner = new CountingRunner(new TensorRunner(model, 40 << 20));
        using var tight = new InferenceEngine(runner);
        using Sequence one = tight.Create(), other = tight.Create();
        tight.Read(one, [1, 2, 3]);
        int read = runner.TokensRead;
        int fits = tight.LongestSequence;
        Assert.InRange(fits, 1000, 1_000_000);
        HaloException refused = Assert.Throws<HaloException>(() => tight.Generate(other, TinyModel.Ids(fits * 2, 1), new GenerationOptions { MaxTokens = 4 }));
        int named = int.Parse(System.Text.RegularExpressions.Regex.Match(refused.Message, @"; (\d+) tokens a sequence fit").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(named, fits, fits * 2);
        Assert.Throws<HaloException>(() => tight.Create(fits * 2));
        GenerationRequest good = new() { Sequence = one, Prompt = [4], Options = new GenerationOptions { MaxTokens = 4 } };
        foreach (GenerationRequest bad in new GenerationRequest[]
        {
            good with { Sequence = other, Prompt = [] },
            good with { Sequence = other, Prompt = [151] },
            good with { Sequence = other, Prompt = [-1] },
            good with { Sequence = other, Options = new GenerationOptions { TopK = -1 } },
            good with { Sequence = other, Options = new GenerationOptions { MinP = 2 } },
            good with { Sequence = other, Options = new GenerationOptions { RepetitionPenalty = 0 } },
        })
        {
            Assert.Throws<HaloException>(() => tight.Generate([good, bad]));
        }

        Assert.Throws<ArgumentException>(() => tight.Generate([good, good]));
        Assert.Equal(read, runner.TokensRead);
        Assert.Equal([1, 2, 3], one.Ids);
        Assert.Equal(TinyModel.Greedy(model, [1, 2, 3, 4], 4), tight.Generate([good])[0].Ids);

        // What was named does fit.
        tight.Read(other, TinyModel.Ids(500, 1));
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tight.Read(other, [1]));
    }
}
