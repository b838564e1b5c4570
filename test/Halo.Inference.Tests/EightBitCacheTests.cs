using Halo.Core;
using Halo.Models;
using Halo.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Keys and values in 8 bits on plain operations. A GPU's kernels are compared with these (<see cref="CudaRunnerTests"/>).</summary>
public class EightBitCacheTests
{
    [Theory]
    [InlineData("hypenet")]
    [InlineData("hypenet-scaled")]
    [InlineData("qwen2")]
    [InlineData("qwen3-untied")]
    public void GreedyTokensAreThoseWithoutACache(string name)
    {
        using CausalLm model = TinyModel.Load(name);
        int[][] prompts = [.. new[] { 250, 1, 90, 33 }.Select((length, seed) => TinyModel.Ids(length, seed, model.Configuration.VocabSize))];
        int[] counts = [14, 9, 3, 12]; // The first outgrows its page; the third ends early, and its row is filled with another.
        double[] full = TinyModel.LogProbabilities(model, prompts[0])[^1];
        model.CacheFormat = CacheFormat.Int8;
        double[] rounded = TinyModel.LogProbabilities(model, prompts[0])[^1];
        Assert.True(full.Zip(rounded, (a, b) => Math.Abs(a - b)).Max() > 1e-4, "the caches are in full");
        int[][] expected = [.. prompts.Select((prompt, row) => TinyModel.Greedy(model, prompt, counts[row]))];
        foreach (int block in new[] { 0, 60 })
        {
            using var engine = new InferenceEngine(model, runner: ModelRunners.Tensors) { PrefillBlock = block };
            var batch = new GenerationBatch(engine);
            var answers = new int[prompts.Length][];
            IReadOnlyList<Sequence> sequences = engine.Create(prompts.Length, 20);
            for (int row = 0; row < prompts.Length; row++)
            {
                int place = row;
                batch.Add(new GenerationRequest { Sequence = sequences[row], Prompt = prompts[row], Options = new GenerationOptions { MaxTokens = counts[row] }, Row = row }, result =>
                {
                    answers[place] = result.Ids;
                    sequences[place].Dispose();
                });
            }

            while (batch.Step())
            {
            }

            Assert.Equal(expected, answers);
        }
    }

    [Fact]
    public void WhatWasReadStaysWhenTheSlabGrows()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModel.Load("hypenet");
        model.CacheFormat = CacheFormat.Int8;
        using var runner = new TensorRunner(model);
        int[] ids = TinyModel.Ids(600, 2);
        IReadOnlyList<ISequenceCache> small = runner.Allocate(2, 250), large = runner.Allocate(2, 700);
        Tensor[] logits = [.. new[] { small, large }.Select(caches =>
        {
            runner.Prefill(caches, [ids[..250], ids[50..300]], wantLogits: false);
            IReadOnlyList<Tensor[]> before = caches[1].Export();
            Tensor last = runner.Prefill(caches, [ids[250..], ids[250..]], wantLogits: true)!;
            IReadOnlyList<Tensor[]> after = caches[1].Export();
            int compared = 0;
            for (int layer = 0; layer < before.Count; layer++)
            {
                for (int part = 0; part < 2 && before[layer].Length == 2; part++, compared++)
                {
                    Assert.True(after[layer][part].narrow(1, 0, 250).Equals(before[layer][part]));
                }
            }

            Assert.Equal(4, compared);
            Assert.Equal(600, caches[0].Length);
            return last;
        })];
        Assert.True(logits[0].allclose(logits[1], 1e-5, 1e-5));
        Assert.Equal([768, 768], runner.Slabs.Select(slab => slab.Capacity)); // The small one has grown.
        CacheSlab slab = runner.Slabs[0];
        Assert.All(Enumerable.Range(0, slab.Layers).Where(slab.IsAttention), layer => Assert.Equal((ScalarType.Int8, 768L), (slab.Keys(layer).dtype, slab.ValueScales(layer).shape[2])));
    }

    [Theory]
    [InlineData("hypenet", ModelRunners.Tensors)]
    [InlineData("qwen3-untied", ModelRunners.Tensors)]
    [InlineData("hypenet", ModelRunners.Cpu)]
    [InlineData("qwen3-untied", ModelRunners.Cpu)]
    public void AfterASnapshotTheContinuationIsTheSame(string name, string runner)
    {
        using CausalLm model = TinyModel.Load(name);
        model.CacheFormat = CacheFormat.Int8;
        int[] prompt = TinyModel.Ids(70, 4, model.Configuration.VocabSize), more = TinyModel.Ids(9, 5, model.Configuration.VocabSize);
        int[] expected = TinyModel.Greedy(model, [.. prompt, .. more], 12);
        using var engine = new InferenceEngine(model, runner: runner);
        using Sequence first = engine.Create(), other = engine.Create();
        var options = new GenerationOptions { MaxTokens = 12 };
        engine.Read(other, TinyModel.Ids(120, 6, model.Configuration.VocabSize)); // What is forgotten must not be seen.
        engine.Read(first, prompt);
        using SequenceSnapshot snapshot = engine.Snapshot(first);
        Assert.Equal(expected, engine.Generate(first, more, options).Ids);
        engine.Restore(first, snapshot);
        engine.Restore(other, snapshot);
        Assert.Equal(expected, engine.Generate(first, more, options).Ids);
        Assert.Equal(expected, engine.Generate(other, more, options).Ids);

        string path = Path.Combine(Path.GetTempPath(), $"halo-{Guid.NewGuid():N}.safetensors");
        try
        {
            snapshot.Save(path);
            using SequenceSnapshot loaded = SequenceSnapshot.Load(path);
            engine.Restore(first, loaded);
            Assert.Equal(expected, engine.Generate(first, more, options).Ids);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void TheyTakeAQuarterOfFloat32AndSomeForScales()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        int size = model.Configuration.HeadDim;
        foreach ((CacheFormat format, double expected) in new[] { (CacheFormat.Full, 4.0), (CacheFormat.Int8, 1 + (4.0 / size)) })
        {
            foreach (string runner in new[] { ModelRunners.Tensors, ModelRunners.Cpu })
            {
                model.CacheFormat = format;
                using var engine = new InferenceEngine(model, runner: runner);
                Assert.Equal(expected, engine.BytesPerEntry, 1e-3);
            }
        }
    }

    /// <summary>The kernels for processors keep the same codes: the same text for prompts in any blocks and company, and from a snapshot of the other runner.</summary>
    [Theory]
    [InlineData("hypenet")]
    [InlineData("qwen3-untied")]
    public void TheKernelsForProcessorsKeepTheSame(string name)
    {
        using CausalLm model = TinyModel.Load(name);
        model.CacheFormat = CacheFormat.Int8;
        int[][] prompts = [.. new[] { 150, 3, 70 }.Select((length, row) => TinyModel.Ids(length, row, model.Configuration.VocabSize))];
        int[][] expected = [.. prompts.Select(prompt => TinyModel.Greedy(model, prompt, 12))];
        var options = new GenerationOptions { MaxTokens = 12 };
        foreach (int block in new[] { 0, 37 })
        {
            using var runner = new CpuRunner(model);
            using var engine = new InferenceEngine(runner) { PrefillBlock = block };
            IReadOnlyList<Sequence> sequences = engine.Create(prompts.Length, 0);
            IReadOnlyList<GenerationResult> results = engine.Generate([.. sequences.Select((sequence, row) => new GenerationRequest { Sequence = sequence, Prompt = prompts[row], Row = row, Options = options })]);
            Assert.Equal(expected, results.Select(result => result.Ids.ToArray()));
        }

        using var tensors = new InferenceEngine(model, runner: ModelRunners.Tensors);
        using var kernels = new InferenceEngine(model, runner: ModelRunners.Cpu);
        using Sequence from = tensors.Create(), to = kernels.Create();
        tensors.Read(from, prompts[0][..^1]);
        using SequenceSnapshot snapshot = tensors.Snapshot(from);
        kernels.Restore(to, snapshot);
        Assert.Equal(expected[0], kernels.Generate(to, prompts[0][^1..], options).Ids);
    }

    [Fact]
    public void TheyAreWrittenWhicheverRunnerIsChosen()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        model.CacheFormat = CacheFormat.Int8;
        string folder = Path.GetDirectoryName(Golden.Path("models/hypenet/config.json"))!;
        using IModelRunner chosen = ModelRunners.Create(model);
        using InferenceEngine loaded = InferenceEngine.Load(folder, CPU, ScalarType.Float32, cache: CacheFormat.Int8), full = InferenceEngine.Load(folder, CPU, ScalarType.Float32);
        Assert.Equal((ModelRunners.Cpu, ModelRunners.Cpu), (chosen.Name, loaded.Runner));
        Assert.True(loaded.BytesPerEntry < full.BytesPerEntry);
    }
}
