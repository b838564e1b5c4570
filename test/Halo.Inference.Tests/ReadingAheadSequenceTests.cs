using Halo.Models;

namespace Halo.Inference.Tests;

/// <summary>What a sequence has read when a caller can look at it, whether steps are launched before the host has seen their tokens or not: never a token more.</summary>
public sealed class ReadingAheadSequenceTests : IDisposable
{
    private readonly CausalLm model = TinyModel.Load("hypenet");

    public void Dispose() => model.Dispose();

    [Fact]
    public void BetweenStepsASequenceHasReadWhatWasWritten()
    {
        int[] first = TinyModel.Ids(30, 1), second = TinyModel.Ids(12, 2), counts = [6, 4];
        int[][] free = [TinyModel.Greedy(model, first, 9), TinyModel.Greedy(model, second, 9)];
        foreach (bool readsAhead in new[] { false, true })
        {
            using var runner = new LikeliestRunner(new TensorRunner(model), true);
            using var engine = new InferenceEngine(runner);
            int[][] prompts = [first, second];
            Sequence[] sequences = [.. engine.Create(2, 50)];
            var batch = new GenerationBatch(engine) { ReadsAhead = readsAhead };
            for (int row = 0; row < 2; row++)
            {
                batch.Add(new GenerationRequest { Sequence = sequences[row], Prompt = prompts[row], Options = new GenerationOptions { MaxTokens = counts[row] }, Row = row }, _ => { });
            }

            int written = 0; // Of each, in the steps so far.
            for (bool more = true; more;)
            {
                more = batch.Step();
                if (sequences.Where((one, row) => one.Length <= prompts[row].Length).Any())
                {
                    continue; // Prompts are being read.
                }

                written++;
                for (int row = 0; row < 2; row++)
                {
                    // A snapshot goes on with what the batch will write next, or would have.
                    int read = Math.Min(written, counts[row] - 1);
                    Assert.Equal([.. prompts[row], .. free[row][..read]], sequences[row].Ids);
                    using Sequence copy = engine.Copy(sequences[row]);
                    Assert.Equal(sequences[row].Ids, copy.Ids);
                    Assert.Equal(free[row][read..(read + 3)], engine.Generate(copy, [], new GenerationOptions { MaxTokens = 3 }).Ids);
                }
            }

            Assert.Equal(6, written);
            Assert.Equal([35, 15], sequences.Select(one => one.Length));
        }
    }

    [Fact]
    public void WhoListensFindsTheTokenUnread()
    {
        int[] prompt = TinyModel.Ids(30, 1), free = TinyModel.Greedy(model, prompt, 8);
        foreach (bool throws in new[] { false, true })
        {
            using var engine = new InferenceEngine(new TensorRunner(model));
            using Sequence sequence = engine.Create(), beside = engine.Create();
            var heard = new List<int>();
            SequenceSnapshot? kept = null;
            var batch = new GenerationBatch(engine) { ReadsAhead = true };
            batch.Add(new GenerationRequest { Sequence = sequence, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 8 }, OnToken = Hear }, _ => { });
            batch.Add(new GenerationRequest { Sequence = beside, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 8 } }, _ => { });
            if (throws)
            {
                Assert.Throws<InvalidOperationException>(ToTheEnd);
                Assert.Equal([.. prompt, .. free[..4]], sequence.Ids);
                Assert.Equal(sequence.Ids, beside.Ids);
                Assert.Equal(free[..5], heard);

                // What is read next begins with the token that was heard last.
                Assert.Equal(free[5..], engine.Generate(sequence, [free[4]], new GenerationOptions { MaxTokens = 3 }).Ids);
            }
            else
            {
                ToTheEnd();
                Assert.Equal([.. prompt, .. free[..4]], kept!.Ids);
                engine.Restore(sequence, kept);
                Assert.Equal(free[5..], engine.Generate(sequence, [free[4]], new GenerationOptions { MaxTokens = 3 }).Ids);
            }

            kept?.Dispose();

            void ToTheEnd()
            {
                while (batch.Step())
                {
                }
            }

            void Hear(GeneratedToken token)
            {
                heard.Add(token.Id);
                Assert.Equal([.. prompt, .. heard[..^1]], sequence.Ids);
                Assert.Equal(sequence.Ids, beside.Ids);
                if (heard.Count == 5)
                {
                    kept = engine.Snapshot(sequence);
                    if (throws)
                    {
                        throw new InvalidOperationException("who listens has heard enough");
                    }
                }
            }
        }
    }
}
