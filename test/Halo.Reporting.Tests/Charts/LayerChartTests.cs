namespace Halo.Reporting.Tests;

public sealed class LayerChartTests
{
    [Fact]
    public void One_huge_score_does_not_flatten_the_others() => Assert.Equal(6, LayerChart.Cut([0, 1, 2, 3, 4, 5, 6, 9e5]));

    [Fact]
    public void Ordinary_scores_are_not_cut() => Assert.Equal(7, LayerChart.Cut([0, 1, 2, 3, 4, 5, 6, 7]));

    [Fact]
    public void Scores_without_a_positive_one_have_an_axis() => Assert.True(LayerChart.Cut([0, 0]) > 0);
}
