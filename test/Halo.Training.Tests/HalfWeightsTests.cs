using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

/// <summary>Matrices kept in bfloat16 beside the float32 weights.</summary>
public sealed class HalfWeightsTests
{
    private static readonly TrainingOptions Options = new() { Steps = 40, RowLength = 16, GlobalBatch = 4, LearningRate = 3e-3, WarmupSteps = 2, LogEvery = 1, ClipNorm = 1, WeightDecay = 0.1 };

    [Fact]
    public void LibtorchHasTheOperations()
    {
        Assert.True(WideNorm.IsKnown);
        using Tensor x = randn(1000).to_type(ScalarType.BFloat16);
        Assert.Equal(x.to_type(ScalarType.Float32).norm().ToSingle(), WideNorm.Of(x).ToSingle(), 1e-3);
        Assert.Equal(ScalarType.Float32, WideNorm.Of(x).dtype);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void TrainingFollowsThatWithCastsInEveryPass(int microBatch, bool tied)
    {
        double[] plain = Losses(Options with { MicroBatch = microBatch }, tied, half: false, out Tensor before);
        double[] half = Losses(Options with { MicroBatch = microBatch }, tied, half: true, out Tensor after);
        Assert.True(plain[^5..].Average() < plain[..5].Average() - 0.02, $"{plain[0]} to {plain[^1]}");
        Assert.All(plain.Zip(half), pair => Assert.Equal(pair.First, pair.Second, 0.02 * pair.First));
        using CausalLm start = Models.Create(hybrid: true, seed: 3, tied);
        Tensor first = start.Layers[1].Mlp.Up.Weight.Value;
        Assert.True((before - after).norm().ToSingle() < 0.3 * (before - first).norm().ToSingle(), $"{(before - after).norm().ToSingle()} of {(before - first).norm().ToSingle()}");
        Assert.False(before.Equals(after));
    }

    [Fact]
    public void CopiesFollowTheWeightsAndGoWithTheTrainer()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 3);
        model.ComputeType = ScalarType.BFloat16;
        Parameter matrix = model.Layers[0].Mlp.Up.Weight;
        using (var flat = new FlatParameters(model.Parameters, half: true, accumulates: false))
        using (var optimizer = new AdamW(flat, Options))
        {
            Assert.Equal(ScalarType.BFloat16, matrix.Working!.dtype);
            Assert.True(matrix.Working.Equals(matrix.Value.to_type(ScalarType.BFloat16)));
            Assert.True(flat.Gradient.numel() < flat.Master.numel() / 8);
            flat.HalfGradient!.fill_(0.5);
            flat.Gradient.fill_(0.5);
            double norm = optimizer.Update(0, 1e-2, tensor(1f)).ToDouble();
            Assert.Equal(Math.Sqrt(0.25 * flat.Master.numel()), norm, 0.01 * norm);
            Assert.True(matrix.Working.Equals(matrix.Value.to_type(ScalarType.BFloat16)));
        }

        Assert.Null(matrix.Working);
        Assert.Equal(ScalarType.Float32, matrix.Value.dtype);
    }

    private static double[] Losses(TrainingOptions options, bool tied, bool half, out Tensor weights)
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 3, tied);
        model.ComputeType = ScalarType.BFloat16;
        var log = new MemoryLog();
        new Trainer("stage3", options, new NextTokenObjective(model, options), new Rows(options.RowLength, Models.Vocabulary), null, log) { HalfWeights = half }.Run(TestContext.Current.CancellationToken);
        weights = model.Layers[1].Mlp.Up.Weight.Value.clone();
        return [.. log.Events.Where(entry => entry.Kind == "step").Select(entry => (double)entry.Values["loss"]!)];
    }
}
