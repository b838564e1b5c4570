using Halo.Conversion.Measurement;
using Halo.Core;
using Halo.Models;
using Halo.Training;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

public sealed class MeasurementTests
{
    [Theory]
    [InlineData("pretrain")]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    public void EveryStageIsMeasured(string stage)
    {
        var options = new TrainingOptions { Steps = 2, RowLength = 16, GlobalBatch = 2, MicroBatch = 1 };
        TrainingMeasurement measured = new TrainingBenchmark(TrainingShape.Of("nano"), stage, options, CPU, ScalarType.Float32).Measure(TestContext.Current.CancellationToken);
        Assert.Equal(32, measured.TokensPerStep);
        Assert.True(measured.SecondsPerStep > 0);
        Assert.Equal(stage is "1" or "2", measured.Parts[StepPart.TeacherForward] > 0);
        Assert.All(Enum.GetValues<StepPart>().Except([StepPart.TeacherForward]), part => Assert.True(measured.Parts[part] > 0, part.ToString()));
        Assert.Contains("tokens/s", measured.ToText());
        Assert.Equal(measured.Estimate.Total / 1e9, (double)measured.ToJson()["estimated_gigabytes"]!);
    }

    [Fact]
    public void ManyStepsTellMemoryAfterAnEarlyAndTheLastStep()
    {
        using var toy = new Toy();
        var options = new TrainingOptions { Steps = 100, RowLength = 2, GlobalBatch = 1 };
        TrainingMeasurement measured = new TrainingBenchmark(TrainingShape.Of(toy.Teacher), "3", options, CPU, ScalarType.Float32).Measure(TestContext.Current.CancellationToken);
        Assert.Equal([10, 104], measured.Memory.Select(sample => sample.Step));
        Assert.Equal(2, measured.ToJson()["memory_by_step"]!.AsArray().Count);
        Assert.Contains("after step 104", measured.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotFitIsRefused()
    {
        var options = new TrainingOptions { Steps = 1, RowLength = 1 << 20, GlobalBatch = 1 << 12 };
        HaloException error = Assert.Throws<HaloException>(() => new TrainingBenchmark(TrainingShape.Of("qwen3-1.7b"), "2", options, CPU, ScalarType.Float32).Measure(TestContext.Current.CancellationToken));
        Assert.Contains("micro_batch (now 4096)", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Peaks of an H100 (docs/benchmarks/training.md) from when the float32 weights that a trainer takes over stayed with libtorch in pieces, which a step could use in part.</summary>
    [Theory]
    [InlineData("1", 32, 512, false, 23.1)]
    [InlineData("2", 12, 512, false, 56.1)]
    [InlineData("3", 1, 16384, false, 79.5)]
    [InlineData("3", 1, 16384, true, 43.8)]
    [InlineData("3", 1, 32768, true, 46.4)]
    public void TheEstimateFollowsWhatWasMeasured(string stage, int rows, int length, bool recompute, double peak)
    {
        TrainingShape shape = TrainingShape.Of("qwen3-1.7b");
        var options = new TrainingOptions { RowLength = length, GlobalBatch = rows, Recompute = recompute };
        MemoryEstimate estimate = new TrainingBenchmark(shape, stage, options, new Device(TorchSharp.DeviceType.CUDA, 0), ScalarType.BFloat16).Estimate();
        double pieces = estimate.Moments / 8 * 4 / 1e9;
        Assert.InRange(estimate.Total / 1e9, 0.97 * (peak - pieces), 1.03 * peak);
    }

    [Fact]
    public void ShapesAreThoseOfTheirNames()
    {
        TrainingShape shape = TrainingShape.Of("qwen3-1.7b");
        Assert.Equal(1_720_574_976, CausalLm.ParameterCount(shape.Teacher));
        Assert.Equal(7, shape.Student.AttentionLayers.Count());
        Assert.Throws<HaloException>(() => TrainingShape.Of("qwen3-9t"));

        // 2 operations a weight that is multiplied with (all but the norms; the embedding is the head) and 2 T H D a layer.
        long norms = CausalLm.Shapes(shape.Teacher).Values.Where(size => size.Length == 1).Sum(size => size[0]);
        double expected = (2.0 * (1_720_574_976 - norms)) + (28 * 2.0 * 512 * 2048);
        Assert.Equal(expected, TrainingCosts.Forward(shape.Teacher, 512), 1.0);
        Assert.Equal(3 * expected, TrainingCosts.OfStage("pretrain", shape, 512), 1.0);
        Assert.True(TrainingCosts.OfStage("1", shape, 512) < TrainingCosts.OfStage("2", shape, 512));
    }
}
