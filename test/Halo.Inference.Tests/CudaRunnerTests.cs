using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>What the runner of GPUs alone can do: few bits, bfloat16, choosing itself.</summary>
public class CudaRunnerTests
{
    [Theory]
    [InlineData("cuda", "hybrid")]
    [InlineData("cuda", "teacher, biases")]
    [InlineData("launches", "hybrid, wide heads")]
    public void EightBitWeights(string runner, string name)
    {
        using CausalLm model = RandomModel.Create(name, KernelRunner.Device(runner));
        model.Quantize(WeightFormat.Int8);
        int[][] prompts = [.. Enumerable.Range(0, 9).Select(row => RandomModel.Ids((row * 37 % 90) + 1, row))];
        int[] counts = [.. Enumerable.Range(0, 9).Select(row => row + 4)];
        int[][] expected = KernelRunner.Expected(model, prompts, counts);
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        using var engine = new InferenceEngine(kernels);
        foreach (int batch in new[] { 1, 2, 9 })
        {
            Assert.Equal(expected[^batch..], KernelRunner.Together(engine, prompts[^batch..], counts[^batch..]));
        }
    }

    /// <summary>Many steps, in which the cache grows: no further off what is exact than the kernels of single products and mixers.</summary>
    [Theory]
    [InlineData("hybrid, one kernel", null, CacheFormat.Full)]
    [InlineData("hybrid, one kernel", WeightFormat.Int8, CacheFormat.Int8)]
    [InlineData("teacher, one kernel", WeightFormat.Int8, CacheFormat.Full)]
    [InlineData("teacher, one kernel", null, CacheFormat.Int8)]
    public void WholeStepsAreAsExactAsSingleKernels(string name, WeightFormat? weights, CacheFormat cache)
    {
        Device device = KernelRunner.Device("cuda");
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = RandomModel.Create(name, device, ScalarType.BFloat16), exact = RandomModel.CreateExact(name, model);

        foreach (CausalLm one in new[] { exact, model })
        {
            one.CacheFormat = cache;
            if (weights is { } format)
            {
                one.Quantize(format);
            }
        }

        using var reference = new TensorRunner(exact);
        using var whole = new CudaRunner(model);
        using var single = new CudaRunner(model) { UsesWholeSteps = false };
        Assert.True(whole.HasWholeSteps, "the kernel fits");
        Assert.False(single.HasWholeSteps);
        Tensor[] expected = Steps(reference), found = Steps(whole), again = Steps(whole), other = Steps(single);
        double Off(Tensor[] of) => of.Zip(expected, (one, right) => (double)((one - right).norm() / right.norm()).item<float>()).Average();
        Assert.True(Off(found) < 1.25 * Off(other), $"{Off(found):E2}, single kernels {Off(other):E2}");
        Assert.True(found.Zip(again, (one, same) => one.Equals(same)).All(equal => equal), "the same again");

        Tensor[] Steps(IModelRunner runner)
        {
            using DisposeScope inner = NewDisposeScope();
            IReadOnlyList<ISequenceCache> caches = runner.Allocate(1, 100);
            runner.Prefill(caches, [RandomModel.Ids(190, 1)], wantLogits: false);
            return [.. Enumerable.Range(0, 200).Select(step => runner.Decode(caches, tensor((long[])[RandomModel.Ids(1, 100 + step)[0]]).to(device)).MoveToOuterDisposeScope())];
        }
    }

    [Fact]
    public void SmallerHeadsGoBySingleKernels()
    {
        using CausalLm model = RandomModel.Create("hybrid", KernelRunner.Device("cuda"), ScalarType.BFloat16);
        using var runner = new CudaRunner(model);
        Assert.False(runner.HasWholeSteps);
    }

    [Theory]
    [InlineData("cuda", "hybrid")]
    [InlineData("cuda", "teacher, biases")]
    [InlineData("launches", "hybrid, wide heads")]
    public void EightBitKeysAndValues(string runner, string name)
    {
        Device device = KernelRunner.Device(runner);
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = RandomModel.Create(name, device);
        using var full = new TensorRunner(model);
        Tensor[] inFull = Steps(full);
        model.CacheFormat = CacheFormat.Int8;
        using var tensors = new TensorRunner(model);
        using IModelRunner kernels = KernelRunner.Create(runner, model);
        Tensor[] expected = Steps(tensors), found = Steps(kernels);
        for (int step = 0; step < expected.Length; step++)
        {
            // A code that lies between two may fall to either side.
            double Off(Tensor other) => ((other - expected[step]).norm() / expected[step].norm()).item<float>();
            Assert.True(Off(found[step]) < 2e-2, $"step {step}: {Off(found[step]):E2}");
            Assert.True(Off(inFull[step]) > 1e-4, "the caches are in full");
        }

        Tensor[] Steps(IModelRunner one)
        {
            // Caches grow on the way.
            using DisposeScope inner = NewDisposeScope();
            IReadOnlyList<ISequenceCache> caches = one.Allocate(3, 100);
            for (int row = 0; row < 3; row++)
            {
                one.Prefill([caches[row]], [RandomModel.Ids(250 - (90 * row), row)], wantLogits: false);
            }

            return [.. Enumerable.Range(0, 12).Select(step => one.Decode(caches, tensor(RandomModel.Ids(3, 100 + step).Select(id => (long)id).ToArray()).to(device)).MoveToOuterDisposeScope())];
        }
    }

    [Theory]
    [InlineData("hybrid", null)]
    [InlineData("hybrid, wide heads", null)]
    [InlineData("hybrid, 512 wide", null)]
    [InlineData("lightning", null)]
    [InlineData("teacher, biases", null)]
    [InlineData("hybrid", WeightFormat.Int8)]
    [InlineData("hybrid, one kernel", null)]
    [InlineData("hybrid, one kernel", WeightFormat.Int8)]
    [InlineData("teacher, one kernel", null)]
    [InlineData("teacher, one kernel", WeightFormat.Int8)]
    public void LogitsInBFloat16AreNoFurtherOffThanThoseOfPlainOperations(string name, WeightFormat? weights)
    {
        Device device = KernelRunner.Device("cuda");
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = RandomModel.Create(name, device, ScalarType.BFloat16), exact = RandomModel.CreateExact(name, model);

        if (weights is { } format)
        {
            exact.Quantize(format);
            model.Quantize(format);
        }

        foreach (int batch in new[] { 1, 2, 4, 13, 40 })
        {
            using var reference = new TensorRunner(exact);
            using var tensors = new TensorRunner(model);
            using IModelRunner kernels = KernelRunner.Create("cuda", model), launches = KernelRunner.Create("launches", model);
            var found = new List<Tensor[]>();
            foreach (IModelRunner runner in new[] { reference, tensors, kernels, launches })
            {
                using DisposeScope inner = NewDisposeScope();
                IReadOnlyList<ISequenceCache> caches = runner.Allocate(batch, 100);
                for (int row = 0; row < batch; row++)
                {
                    runner.Prefill([caches[row]], [RandomModel.Ids((row * 29 % 70) + 1, row)], wantLogits: false);
                }

                found.Add([.. Enumerable.Range(0, 6).Select(step => runner.Decode(caches, tensor(RandomModel.Ids(batch, 100 + step).Select(id => (long)id).ToArray()).to(device)).MoveToOuterDisposeScope())]);
            }

            for (int step = 0; step < 6; step++)
            {
                double Off(int which) => ((found[which][step] - found[0][step]).norm() / found[0][step].norm()).item<float>();
                Assert.True(Off(2) <= Math.Max(2 * Off(1), 1e-3), $"batch {batch}, step {step}: {Off(2):E2}, plain {Off(1):E2}");
                Assert.True(found[2][step].Equals(found[3][step]), "a recorded step gives the same as its launches one by one");
            }
        }
    }

    [Fact]
    public void LogitsOfAStepStayWhenTheNextIsDone()
    {
        Device device = KernelRunner.Device("cuda");
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = RandomModel.Create("hybrid", device);
        using IModelRunner runner = KernelRunner.Create("cuda", model);
        IReadOnlyList<ISequenceCache> caches = runner.Allocate(3, 10);
        runner.Prefill(caches, [new[] { 1 }, new[] { 2 }, new[] { 3 }], wantLogits: false);
        Tensor ids = tensor((long[])[4, 5, 6], device: device), first = runner.Decode(caches, ids), copy = first.clone();
        Tensor second = runner.Decode(caches, first.argmax(-1));
        Assert.True(first.Equals(copy));
        Assert.False(second.Equals(copy));
    }

    [Fact]
    public void ItIsChosenOnAGpuWhereItCanRunTheModel()
    {
        Device device = KernelRunner.Device("cuda");
        using CausalLm model = RandomModel.Create("hybrid", device), four = RandomModel.Create("hybrid", device), small = CausalLm.Create(Small(), device, ScalarType.Float32, 1);
        four.Quantize(WeightFormat.Int4);
        foreach ((CausalLm one, string expected) in new[] { (model, "cuda"), (four, "tensors"), (small, "tensors") })
        {
            using IModelRunner runner = ModelRunners.Create(one);
            Assert.Equal(expected, runner.Name);
        }

        Assert.Contains("heads of 64 or 128", Assert.Throws<HaloException>(() => ModelRunners.Create(small, "cuda")).Message);
    }

    [Fact]
    public void WithoutAGpuItIsRefused()
    {
        using CausalLm model = RandomModel.Create("hybrid", CPU);
        HaloException refused = Assert.Throws<HaloException>(() => ModelRunners.Create(model, "cuda"));
        Assert.Contains("not on a GPU", refused.Message);
        Assert.Contains("--runner tensors", refused.Message);
    }

    private static ModelConfiguration Small()
    {
        using CausalLm tiny = TinyModel.Load("hypenet");
        return tiny.Configuration;
    }
}
