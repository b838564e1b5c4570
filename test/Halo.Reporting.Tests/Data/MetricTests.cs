namespace Halo.Reporting.Tests;

public sealed class MetricTests
{
    [Theory]
    [InlineData(1024, "1K")]
    [InlineData(65536, "64K")]
    [InlineData(1 << 20, "1M")]
    [InlineData(1000, "1,000")]
    public void Token_counts_are_short_where_they_are_round(long tokens, string expected) => Assert.Equal(expected, Metric.Tokens(tokens));

    [Theory]
    [InlineData(0.001, "0.001")]
    [InlineData(0.0001, "1e−4")]
    [InlineData(-0.0000000000001, "0")]
    [InlineData(2500, "2,500")]
    [InlineData(-0.5, "−0.5")]
    public void Ticks_have_no_idle_zeros(double value, string expected) => Assert.Equal(expected, Metric.Tick(value));

    [Theory]
    [InlineData("acc_norm", true, false)]
    [InlineData("digit_accuracy", true, false)]
    [InlineData("bits_per_byte", false, true)]
    [InlineData("word_perplexity", false, true)]
    [InlineData("tokens_per_second", false, false)]
    public void Directions_follow_the_name(string metric, bool share, bool lower)
    {
        Assert.Equal(share, Metric.IsShare(metric));
        Assert.Equal(lower, Metric.IsLowerBetter(metric));
    }
}
