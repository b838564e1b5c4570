namespace Halo.Reporting.Tests;

public sealed class LayerChartTests
{
    [Fact]
    public void One_huge_score_does_not_flatten_the_others() => Assert.Equal(6, LayerChart.Cut([0, 1, 2, 3, 4, 5, 6, 9e5]));

    [Fact]
    public void Ordinary_scores_are_not_cut() => Assert.Equal(7, LayerChart.Cut([0, 1, 2, 3, 4, 5, 6, 7]));

    [Fact]
    public void Without_a_sweep_errors_belong_to_the_layers_that_become_linear()
    {
        var none = new SortedDictionary<int, double>();
        Assert.Equal([0, 1, 3], LayerChart.TrainedLayers(new LayerSelection("list", new HashSet<int> { 2 }, none, none, none)).Take(3));
        Assert.Equal([0, 1, 2], LayerChart.TrainedLayers(null).Take(3));
    }

    [Fact]
    public void Scores_without_a_positive_one_have_an_axis() => Assert.True(LayerChart.Cut([0, 0]) > 0);
}
