using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Runners with kernels of Halo's own beside libtorch's operations, in float32: the same greedy tokens.</summary>
public class KernelRunnerTests
{
    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (string runner in new[] { "cuda", "launches", "cpu" })
            {
                foreach (string model in RandomModel.Names)
                {
                    all.Add(runner, model);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void BatchesOfDifferentLengthsThatEndOneByOne(string runner, string name)
    {
        using CausalLm model = RandomModel.Create(name, KernelRunner.Device(runner));
        int[][] prompts = [.. Enumerable.Range(0, 40).Select(row => RandomModel.Ids((row * 37 % 290) + 1, row))];
        int[] counts = [.. Enumerable.Range(0, 40).Select(row => (row * 5 % 7) + 3)];
        int[][] expected = KernelRunner.Expected(model, prompts, counts);
        Assert.True(expected.SelectMany(row => row).Distinct().Count() > 30, "the model writes the same for all");
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var engine = new InferenceEngine(kernels);
        foreach (int batch in new[] { 1, 2, 3, 5, 8, 40, 1 })
        {
            Assert.Equal(expected[^batch..], KernelRunner.Together(engine, prompts[^batch..], counts[^batch..]));
        }
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("launches")]
    [InlineData("cpu")]
    public void MoreSequencesThanAnyGraphTakes(string runner)
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device(runner));
        int[][] prompts = [.. Enumerable.Range(0, 70).Select(row => RandomModel.Ids((row % 9) + 1, row))];
        int[] counts = [.. Enumerable.Range(0, 70).Select(row => row % 10 == 0 ? 6 : 2)];
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var engine = new InferenceEngine(kernels);
        Assert.Equal(KernelRunner.Expected(model, prompts, counts), KernelRunner.Together(engine, prompts, counts));
    }

    [Theory]
    [InlineData("cuda", "hybrid")]
    [InlineData("cuda", "teacher")]
    [InlineData("launches", "hybrid, wide heads")]
    [InlineData("cpu", "hybrid")]
    public void CachesGrowWhileTheyAreWritten(string runner, string name)
    {
        using CausalLm model = RandomModel.Create(name, KernelRunner.Device(runner));
        int[][] prompts = [RandomModel.Ids(250, 1), RandomModel.Ids(200, 2), RandomModel.Ids(255, 3)];
        int[] counts = [80, 80, 80];
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var engine = new InferenceEngine(kernels);
        Assert.Equal(KernelRunner.Expected(model, prompts, counts), KernelRunner.Together(engine, prompts, counts));
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("launches")]
    [InlineData("cpu")]
    public void RequestsComeAndGoWhileOthersAreWritten(string runner)
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device(runner));
        int[][] prompts = [.. Enumerable.Range(0, 12).Select(row => RandomModel.Ids((row * 53 % 120) + 1, row))];
        int[] counts = [.. Enumerable.Range(0, 12).Select(row => (row * 5 % 9) + 4)];
        int[][] expected = KernelRunner.Expected(model, prompts, counts);
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        for (int round = 0; round < 4; round++)
        {
            // Blocks of one token are read by the kernels as well.
            using var engine = new InferenceEngine(kernels) { PrefillBlock = round == 0 ? 1 : 30 * round };
            var random = new Random(round);
            var batch = new GenerationBatch(engine);
            var answers = new int[prompts.Length][];
            var free = new List<Sequence>(engine.Create(3, 10));
            foreach (int row in Enumerable.Range(0, prompts.Length).OrderBy(_ => random.Next()))
            {
                Sequence sequence = free.Count > 0 ? free[^1] : engine.Create();
                free.Remove(sequence);
                batch.Add(new GenerationRequest { Sequence = sequence, Prompt = prompts[row], Options = new GenerationOptions { MaxTokens = counts[row] }, Row = row }, result =>
                {
                    answers[row] = result.Ids;
                    if (row % 2 == 0)
                    {
                        sequence.Dispose();
                    }
                    else
                    {
                        sequence.Clear();
                        free.Add(sequence);
                    }
                });
                for (int steps = random.Next(6); steps > 0; steps--)
                {
                    batch.Step();
                }
            }

            while (batch.Step())
            {
            }

            Assert.Equal(expected, answers);
            free.ForEach(sequence => sequence.Dispose());
        }
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("launches")]
    [InlineData("cpu")]
    public void SnapshotsGoBackBranchAndGoFromRunnerToRunner(string runner)
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device(runner));
        var ten = new GenerationOptions { MaxTokens = 10 };
        int[][] prompts = [RandomModel.Ids(90, 1), RandomModel.Ids(90, 2)];
        int[][] expected = KernelRunner.Expected(model, prompts, [10, 10]);
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var engine = new InferenceEngine(kernels);
        using var plain = new InferenceEngine(new TensorRunner(model));
        using Sequence sequence = engine.Create(), other = plain.Create();
        engine.Read(sequence, prompts[0]);
        plain.Read(other, prompts[1]);
        using SequenceSnapshot first = engine.Snapshot(sequence), second = plain.Snapshot(other);
        using Sequence branch = engine.Copy(sequence);
        Assert.Equal(expected[0], engine.Generate(sequence, [], ten).Ids);

        // Of the same length as what the runner saw last, but something else.
        int[] longer = engine.Generate(branch, [], ten).Ids;
        Assert.Equal(expected[0], longer);
        engine.Restore(branch, second);
        Assert.Equal(expected[1], engine.Generate(branch, [], ten).Ids);
        engine.Restore(branch, first);
        engine.Restore(sequence, second);
        Assert.Equal(expected, engine.Generate([.. new[] { branch, sequence }.Select(one => new GenerationRequest { Sequence = one, Options = ten })]).Select(result => result.Ids));
        using SequenceSnapshot written = engine.Snapshot(sequence);
        plain.Restore(other, written);
        Assert.Equal([.. prompts[1], .. expected[1][..^1]], other.Ids);
        int[] goesOn = engine.Generate(sequence, expected[1][^1..], ten).Ids;
        Assert.Equal(plain.Generate(other, expected[1][^1..], ten).Ids, goesOn);
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("launches")]
    [InlineData("cpu")]
    public void ACallThatIsRefusedChangesNothing(string runner)
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device(runner));
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var tensors = new TensorRunner(model);
        using ISequenceCache one = kernels.Allocate(1, 10)[0], foreign = tensors.Allocate(1, 10)[0], alone = tensors.Allocate(1, 10)[0];
        int[] ids = RandomModel.Ids(20, 1);
        kernels.Prefill([one], [ids], wantLogits: false);
        tensors.Prefill([alone], [ids], wantLogits: false);
        using Tensor two = tensor((long[])[1, 2]).to(model.Device), next = tensor((long[])[3]).to(model.Device);
        Assert.Throws<ArgumentException>(() => kernels.Decode([one, foreign], two));
        Assert.Throws<ArgumentException>(() => kernels.Decode([one, one], two));
        Assert.Equal(20, one.Length);
        for (int i = 0; i < 3; i++)
        {
            using Tensor found = kernels.Decode([one], next), expected = tensors.Decode([alone], next);
            Near(expected, found, 1e-4);
        }

        Assert.Equal(23, one.Length);
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("launches")]
    [InlineData("cpu")]
    public void QueriesMayBeScaledAnew(string runner)
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device(runner));
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var tensors = new TensorRunner(model);
        using ISequenceCache one = kernels.Allocate(1, 10)[0], alone = tensors.Allocate(1, 10)[0];
        int[] ids = RandomModel.Ids(50, 1);
        kernels.Prefill([one], [ids], wantLogits: false);
        tensors.Prefill([alone], [ids], wantLogits: false);
        using Tensor next = tensor((long[])[3]).to(model.Device);
        Tensor? before = null;
        foreach (LogitsScaling? scaling in new[] { model.LogitsScaling, LogitsScaling.Hype(20), new LogitsScaling(null, 0.5), null })
        {
            model.LogitsScaling = scaling;
            Tensor found = kernels.Decode([one], next);
            using Tensor expected = tensors.Decode([alone], next);
            Near(expected, found, 1e-4);
            Assert.True(before is null || !before.allclose(found, 1e-3, 1e-3));
            before = found;
        }
    }

    /// <summary>Largest difference as a share of the largest logit.</summary>
    private static void Near(Tensor expected, Tensor found, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(ScalarType.Float32, found.dtype);
        double difference = ((expected - found).abs().max() / expected.abs().max()).item<float>();
        Assert.True(difference <= tolerance, $"{difference:E2} is above {tolerance:E2}");
    }
}
