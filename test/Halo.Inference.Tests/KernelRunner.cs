using Halo.Kernels.Cuda;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>The runners with kernels of Halo's own, as tests name them: <c>cpu</c>; <c>cuda</c>; <c>launches</c>, which is <c>cuda</c> without recording. Those of a GPU are skipped without one.</summary>
internal static class KernelRunner
{
    public static Device Device(string runner)
    {
        if (runner == ModelRunners.Cpu)
        {
            return CPU;
        }

        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        return CUDA;
    }

    public static IModelRunner Create(string runner, CausalLm model)
    {
        if (runner == ModelRunners.Cpu)
        {
            return new CpuRunner(model);
        }

        var cuda = (CudaRunner)ModelRunners.Create(model, ModelRunners.Cuda);
        Assert.True(cuda.UsesGraphs);
        cuda.UsesGraphs = runner == ModelRunners.Cuda;
        return cuda;
    }

    /// <summary>Greedy continuations by libtorch's operations, each sequence alone and in order.</summary>
    public static int[][] Expected(CausalLm model, int[][] prompts, int[] counts)
    {
        using var engine = new InferenceEngine(new TensorRunner(model)) { ReadsAhead = false };
        return [.. prompts.Select((prompt, row) =>
        {
            using Sequence sequence = engine.Create(prompt.Length + counts[row]);
            return engine.Generate(sequence, prompt, new GenerationOptions { MaxTokens = counts[row] }).Ids;
        })];
    }

    /// <summary>The same all together; each sequence is given back as soon as it has ended.</summary>
    public static int[][] Together(InferenceEngine engine, int[][] prompts, int[] counts, int capacity = 0)
    {
        var answers = new int[prompts.Length][];
        var batch = new GenerationBatch(engine);
        IReadOnlyList<Sequence> sequences = engine.Create(prompts.Length, capacity);
        for (int i = 0; i < prompts.Length; i++)
        {
            int row = i;
            batch.Add(new GenerationRequest { Sequence = sequences[row], Prompt = prompts[row], Options = new GenerationOptions { MaxTokens = counts[row] }, Row = row }, result =>
            {
                answers[row] = result.Ids;
                Assert.Equal([.. prompts[row], .. result.Ids[..^1]], sequences[row].Ids);
                sequences[row].Dispose();
            });
        }

        while (batch.Step())
        {
        }

        return answers;
    }
}
