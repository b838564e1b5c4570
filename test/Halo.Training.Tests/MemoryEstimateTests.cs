namespace Halo.Training.Tests;

public sealed class MemoryEstimateTests
{
    [Fact]
    public void HeldPartsAreExactAndRecomputationSaves()
    {
        var options = new TrainingOptions { RowLength = 64, GlobalBatch = 8, LossChunk = 100 };
        var configuration = Models.Configuration(hybrid: true);
        using var model = Models.Create(hybrid: true, seed: 1);
        long count = model.Parameters.Sum(parameter => parameter.Count);
        MemoryEstimate estimate = MemoryEstimate.Of(configuration, options, 2, teacher: Models.Configuration(hybrid: false));
        Assert.Equal((6 * count, 2 * count, 8 * count), (estimate.Weights, estimate.Gradients, estimate.Moments));
        using var flat = new FlatParameters(model.Parameters);
        Assert.InRange(flat.Master.numel(), count, count + (64 * model.Parameters.Count));
        Assert.True(MemoryEstimate.Of(configuration, options with { Recompute = true }, 2).Activations < estimate.Activations);
        Assert.Equal(4 * count, MemoryEstimate.Of(configuration, options with { MicroBatch = 2 }, 2).Gradients);
        estimate = MemoryEstimate.Of(configuration, options, 4, teacher: Models.Configuration(hybrid: false));
        Assert.Equal((4 * count, 4 * count, 8 * count), (estimate.Weights, estimate.Gradients, estimate.Moments));
        Assert.True(MemoryEstimate.Of(configuration, options with { LossChunk = 10 }, 4).LossChunk < estimate.LossChunk);
        Assert.Equal(estimate.Total, estimate.Weights + estimate.Gradients + estimate.Moments + estimate.Teacher + estimate.Activations + estimate.LossChunk + estimate.Libraries);
    }
}
