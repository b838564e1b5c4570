using CsCheck;

namespace Halo.Reporting.Tests;

public sealed class SmoothingTests
{
    private static readonly Gen<(double Step, double Value)[]> Points = Gen.Double[-5, 5].Array[1, 200].Select(values => values.Select((value, step) => ((double)step, value)).ToArray());

    [Fact]
    public void A_spike_vanishes()
    {
        (double Step, double Value)[] points = [.. Enumerable.Range(0, 41).Select(step => ((double)step, step == 20 ? 1e6 : 2.0))];
        Assert.All(Smoothing.Centre(points, 8), point => Assert.Equal(2.0, point.Value, 9));
    }

    [Fact]
    public void Smoothed_values_stay_within_the_range() => Gen.Select(Points, Gen.Int[0, 20]).Sample((points, reach) =>
    {
        double low = points.Min(point => point.Value), high = points.Max(point => point.Value);
        Assert.Equal(points.Select(point => point.Step), Smoothing.Centre(points, reach).Select(point => point.Step));
        Assert.All(Smoothing.Centre(points, reach), point => Assert.InRange(point.Value, low - 1e-9, high + 1e-9));
    });

    [Fact]
    public void Thinning_keeps_the_mean() => Points.Sample(points =>
    {
        (double Step, double Value)[] thin = Smoothing.Thin(points, 10);
        Assert.True(thin.Length <= Math.Max(10, 1));
        if (points.Length % 10 == 0)
        {
            Assert.Equal(points.Average(point => point.Value), thin.Average(point => point.Value), 9);
        }
    });
}
