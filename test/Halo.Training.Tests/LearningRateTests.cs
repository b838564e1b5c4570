namespace Halo.Training.Tests;

public sealed class LearningRateTests
{
    private static readonly TrainingOptions Options = new() { Steps = 100, WarmupSteps = 10, DecaySteps = 20, LearningRate = 1e-3, FinalLearningRate = 1e-5 };

    [Theory]
    [InlineData(ScheduleKind.Constant, 1e-3)]
    [InlineData(ScheduleKind.Cosine, 1e-5)]
    [InlineData(ScheduleKind.Linear, 1e-5)]
    [InlineData(ScheduleKind.WarmupStableDecay, 1e-5)]
    public void WarmsUpLinearlyAndEndsAtTheFinalRate(ScheduleKind schedule, double final)
    {
        var rate = new LearningRate(Options with { Schedule = schedule });
        Assert.Equal(1e-4, rate.At(0), 12);
        Assert.Equal(5e-4, rate.At(4), 12);
        Assert.Equal(1e-3, rate.At(9), 12);
        Assert.Equal(final, rate.At(99), 12);
        Assert.All(Enumerable.Range(10, 89), step => Assert.True(rate.At(step) >= rate.At(step + 1)));
    }

    [Fact]
    public void MiddlesAreWhatTheirNamesSay()
    {
        double middle = (1e-3 + 1e-5) / 2;
        Assert.Equal(middle, new LearningRate(Options with { Schedule = ScheduleKind.Cosine }).At(54), 12);
        Assert.Equal(middle, new LearningRate(Options with { Schedule = ScheduleKind.Linear }).At(54), 12);
        var stable = new LearningRate(Options with { Schedule = ScheduleKind.WarmupStableDecay });
        Assert.Equal(1e-3, stable.At(79), 12);
        Assert.Equal(middle, stable.At(89), 12);
    }

    [Fact]
    public void StartsAtThePeakWithoutWarmUp() =>
        Assert.Equal(1e-3, new LearningRate(Options with { Schedule = ScheduleKind.Constant, WarmupSteps = 0 }).At(0), 12);
}
