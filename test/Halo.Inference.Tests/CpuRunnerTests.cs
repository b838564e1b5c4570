using Halo.Kernels.Cpu;
using Halo.Models;
using Halo.Testing;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>The CPU's own kernels beside the plain model.</summary>
public class CpuRunnerTests
{
    [Theory]
    [InlineData("hypenet")]
    [InlineData("hypenet-scaled")]
    [InlineData("llama-rope3")]
    [InlineData("qwen3-untied")]
    [InlineData("qwen3-yarn")]
    public void GreedyTokensOfTinyModels(string name)
    {
        using CausalLm model = TinyModel.Load(name);
        Greedy(model);
    }

    [Theory]
    [InlineData("hypenet-nano")]
    [InlineData("qwen3-nano")]
    public void GreedyTokensOfShippedModels(string name)
    {
        using CausalLm model = TinyModel.Shipped(name);
        Greedy(model);
    }

    [Theory]
    [InlineData("hypenet-nano")]
    [InlineData("qwen3-nano")]
    public void FewBitsStayNear(string name)
    {
        using CausalLm model = TinyModel.Shipped(name);
        int[] ids = TinyModel.Greedy(model, [5, 9, 300, 17], 40);
        double[] exact = TinyModel.LogProbabilities(model, ids)[^1];
        foreach ((PackedFormat format, double bound) in new[] { (PackedFormat.Float32, 1e-4), (PackedFormat.BFloat16, 0.05), (PackedFormat.Int8, 0.05), (PackedFormat.Int4, 0.5) })
        {
            using var runner = new CpuRunner(model, format, 0, CpuPaths.Best, WorkerPool.Shared);
            using ISequenceCache cache = runner.Allocate(1, 10)[0];
            using Tensor logits_BV = runner.Prefill([cache], [ids], wantLogits: true)!;
            double[] found = [.. logits_BV.to_type(ScalarType.Float64).log_softmax(-1).data<double>()];
            double divergence = exact.Zip(found, (p, q) => Math.Exp(p) * (p - q)).Sum();
            Assert.InRange(divergence, -1e-6, bound);
        }
    }

    [Fact]
    public void Biases()
    {
        ModelConfiguration configuration;
        using (CausalLm tiny = TinyModel.Load("qwen2"))
        {
            configuration = tiny.Configuration with { HeadDim = 16, AttentionOutputBias = true, MlpBias = true };
        }

        using CausalLm model = CausalLm.Create(configuration, CPU, ScalarType.Float32, 3);
        using (no_grad())
        {
            foreach (Parameter bias in model.Parameters.Where(one => one.Name.EndsWith(".bias", StringComparison.Ordinal)))
            {
                bias.Value.normal_(0, 0.3);
            }
        }

        Greedy(model);
    }

    [Fact]
    public void WhatWasReadGoesFromRunnerToRunner()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        int[] ids = TinyModel.Ids(90, 1);
        using var tensors = new TensorRunner(model);
        using var cpu = new CpuRunner(model);
        using ISequenceCache from = cpu.Allocate(1, 10)[0], other = tensors.Allocate(1, 10)[0], back = cpu.Allocate(1, 10)[0];
        cpu.Prefill([from], [ids[..70]], wantLogits: false);
        other.Import(70, from.Export());
        back.Import(70, other.Export());
        Tensor[] logits = [cpu.Prefill([from], [ids[70..]], true)!, tensors.Prefill([other], [ids[70..]], true)!, cpu.Prefill([back], [ids[70..]], true)!];
        Assert.True(logits[0].allclose(logits[1], 1e-4, 1e-4));
        Assert.True(logits[0].Equals(logits[2]));
    }

    [Theory]
    [InlineData("hypenet", ScalarType.Float32)]
    [InlineData("qwen3-untied", ScalarType.BFloat16)]
    public void AnEngineThatReadsItsFolderItselfIsTheSame(string name, ScalarType type)
    {
        string folder = Path.GetDirectoryName(Golden.Path($"models/{name}/config.json"))!;
        Golden.Path($"models/{name}/model.safetensors");
        using CausalLm model = CausalLm.Load(folder, CPU, type);
        using var given = new InferenceEngine(model);
        using InferenceEngine loaded = InferenceEngine.Load(folder, CPU, type);
        using InferenceEngine plain = InferenceEngine.Load(folder, CPU, type, ModelRunners.Tensors);
        Assert.Equal((ModelRunners.Cpu, ModelRunners.Cpu, ModelRunners.Tensors), (given.Runner, loaded.Runner, plain.Runner));
        int[] prompt = TinyModel.Ids(40, 3, model.Configuration.VocabSize);
        using Sequence first = given.Create(), second = loaded.Create(), third = plain.Create();
        var options = new GenerationOptions { MaxTokens = 8 };
        int[] expected = [.. given.Generate(first, prompt, options).Tokens.Select(token => token.Id)];
        Assert.Equal(expected, loaded.Generate(second, prompt, options).Tokens.Select(token => token.Id));

        // One model, one name: what one engine has read another goes on with.
        using SequenceSnapshot snapshot = given.Snapshot(first);
        loaded.Restore(second, snapshot);
        plain.Restore(third, snapshot);
        Assert.Equal(first.Ids, third.Ids);
    }

    [Fact]
    public void AFolderThatIsIncompleteIsRefused()
    {
        string folder = Directory.CreateTempSubdirectory("halo-test-").FullName;
        try
        {
            File.Copy(Golden.Path("models/hypenet/config.json"), Path.Combine(folder, "config.json"));
            Assert.Throws<Halo.Core.HaloException>(() => InferenceEngine.Load(folder, CPU, ScalarType.Float32));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void HeadsThatDoNotFitAreRefused()
    {
        using CausalLm model = TinyModel.Load("llama-linear");
        Assert.Throws<Halo.Core.HaloException>(() => new CpuRunner(model));
    }

    /// <summary>Any split of the prompt, alone and in company.</summary>
    private static void Greedy(CausalLm model)
    {
        int[] lengths = [1, 300, 17, 129];
        int[][] prompts = [.. lengths.Select((length, seed) => TinyModel.Ids(length, seed, model.Configuration.VocabSize))];
        int[][] expected = [.. prompts.Select(prompt => TinyModel.Greedy(model, prompt, 8))];
        using var runner = new CpuRunner(model);
        foreach (int block in new[] { 0, 50, 7 })
        {
            var answers = new int[prompts.Length][];
            IReadOnlyList<ISequenceCache> caches = runner.Allocate(prompts.Length, 8);
            int[] next = new int[prompts.Length];
            for (int row = 0; row < prompts.Length; row++)
            {
                Tensor? logits = null;
                int step = block == 0 ? prompts[row].Length : block;
                for (int start = 0; start < prompts[row].Length; start += step)
                {
                    logits = runner.Prefill([caches[row]], [prompts[row].AsMemory(start, Math.Min(step, prompts[row].Length - start))], wantLogits: true);
                }

                next[row] = (int)logits!.argmax(-1).item<long>();
                answers[row] = [next[row]];
            }

            for (int count = 1; count < 8; count++)
            {
                using Tensor logits = runner.Decode(caches, tensor(next.Select(id => (long)id).ToArray()));
                next = [.. logits.argmax(-1).data<long>().Select(id => (int)id)];
                for (int row = 0; row < prompts.Length; row++)
                {
                    answers[row] = [.. answers[row], next[row]];
                }
            }

            Assert.Equal(expected, answers);
            foreach (ISequenceCache cache in caches)
            {
                cache.Dispose();
            }
        }
    }
}
