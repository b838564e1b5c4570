using Halo.Models;

namespace Halo.Inference.Tests;

/// <summary>Whatever way a prompt is read and whoever is in the batch, the tokens are those of the plain model that reads all anew for each of them.</summary>
public class EngineGreedyTests
{
    [Theory]
    [InlineData("hypenet")]
    [InlineData("hypenet-scaled")]
    [InlineData("llama-linear")]
    [InlineData("llama-rope3")]
    [InlineData("qwen2")]
    [InlineData("qwen3-untied")]
    [InlineData("qwen3-yarn")]
    public void TinyModels(string name)
    {
        using CausalLm model = TinyModel.Load(name);
        AnySplitAndCompany(model, 8, ModelRunners.Tensors);
    }

    [Theory]
    [InlineData("hypenet-nano", ModelRunners.Tensors)]
    [InlineData("qwen3-nano", ModelRunners.Tensors)]
    [InlineData("hypenet-nano", ModelRunners.Cpu)]
    [InlineData("qwen3-nano", ModelRunners.Cpu)]
    [InlineData("hypenet-nano", ModelRunners.Cuda)]
    [InlineData("qwen3-nano", ModelRunners.Cuda)]
    public void ShippedModels(string name, string runner)
    {
        using CausalLm model = TinyModel.Shipped(name, runner == ModelRunners.Cuda ? KernelRunner.Device(runner) : null);
        AnySplitAndCompany(model, 2, runner);
    }

    private static void AnySplitAndCompany(CausalLm model, int rounds, string runner)
    {
        var random = new Random(4);
        int[] lengths = [1, 300, 17, 17, 129, 40];
        int[][] prompts = [.. lengths.Select((length, seed) => TinyModel.Ids(length, seed, model.Configuration.VocabSize))];
        int[] counts = [12, 6, 9, 12, 1, 7];
        int[][] expected = [.. prompts.Select((prompt, row) => TinyModel.Greedy(model, prompt, counts[row]))];
        for (int round = 0; round < rounds; round++)
        {
            using var blocks = new InferenceEngine(model, 0, runner) { PrefillBlock = random.Next(1, 320) };
            var batch = new GenerationBatch(blocks);
            var sequences = new List<Sequence>();
            var answers = new int[prompts.Length][];

            // Some in one slab, others alone; they come at different steps, and their memory goes back when they end.
            int together = random.Next(1, 4);
            sequences.AddRange(blocks.Create(together, random.Next(600)));
            foreach (int row in Enumerable.Range(0, prompts.Length).OrderBy(_ => random.Next()))
            {
                Sequence sequence = sequences.Find(one => one.Length == 0) is { } free && sequences.Remove(free) ? free : blocks.Create(random.Next(400));
                int read = random.Next(prompts[row].Length);
                if (read > 0)
                {
                    int split = random.Next(read + 1);
                    foreach (int[] part in new[] { prompts[row][..split], prompts[row][split..read] }.Where(part => part.Length > 0))
                    {
                        blocks.Read(sequence, part);
                    }
                }

                batch.Add(new GenerationRequest { Sequence = sequence, Prompt = prompts[row][read..], Options = new GenerationOptions { MaxTokens = counts[row] }, Row = row }, result =>
                {
                    answers[row] = result.Ids;
                    Assert.Equal([.. prompts[row], .. result.Ids[..^1]], sequence.Ids);
                    sequence.Dispose();
                });
                for (int steps = random.Next(4); steps > 0; steps--)
                {
                    batch.Step();
                }
            }

            while (batch.Step())
            {
            }

            Assert.Equal(expected, answers);
        }
    }
}
