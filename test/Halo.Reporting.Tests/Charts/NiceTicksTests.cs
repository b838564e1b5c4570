using CsCheck;

namespace Halo.Reporting.Tests;

public sealed class NiceTicksTests
{
    private static readonly Gen<(double Low, double Width)> Ranges = Gen.Select(Gen.Double[-1e6, 1e6], Gen.Double[1e-3, 1e6]);

    [Fact]
    public void Linear_ticks_lie_inside_ascend_and_are_few() => Ranges.Sample(range =>
    {
        (double low, double high) = (range.Low, range.Low + range.Width);
        double[] ticks = NiceTicks.Linear(low, high, 5);
        Assert.InRange(ticks.Length, 1, 7);
        Assert.All(ticks, tick => Assert.InRange(tick, low - (1e-6 * range.Width), high + (1e-6 * range.Width)));
        Assert.Equal(ticks.Order().Distinct(), ticks);
    });

    [Fact]
    public void Logarithmic_ticks_lie_inside_ascend_and_are_few() => Gen.Select(Gen.Double[-9, 5], Gen.Double[0.05, 14]).Sample((start, decades) =>
    {
        (double low, double high) = (Math.Pow(10, start), Math.Pow(10, start + decades));
        double[] ticks = NiceTicks.Logarithmic(low, high);
        Assert.InRange(ticks.Length, 2, 9);
        Assert.All(ticks, tick => Assert.InRange(tick, low * 0.99, high * 1.01));
        Assert.Equal(ticks.Order().Distinct(), ticks);
    });
}
