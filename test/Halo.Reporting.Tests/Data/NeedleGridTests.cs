namespace Halo.Reporting.Tests;

public sealed class NeedleGridTests
{
    [Fact]
    public void Models_share_lengths_and_depths()
    {
        IReadOnlyList<NeedleGrid> grids = NeedleGrid.Of(Figures.Of([ExampleRun.Needle("student", "niah_single_1", 2048, 100, 0.5, 4), ExampleRun.Needle("teacher", "niah_single_1", 1024, 0, 1, 4)]), "niah_single_1");
        Assert.Equal(["teacher", "student"], grids.Select(grid => grid.Model));
        Assert.All(grids, grid => Assert.Equal([1024L, 2048L], grid.Lengths));
        Assert.All(grids, grid => Assert.Equal(["0", "100"], grid.Depths));
        Assert.Equal(1, grids[0].Scores[0, 0]);
        Assert.True(double.IsNaN(grids[0].Scores[1, 1]));
        Assert.Equal(0.5, grids[1].Scores[1, 1]);
    }

    [Fact]
    public void Many_depths_are_averaged_in_tenths()
    {
        NeedleGrid grid = Assert.Single(NeedleGrid.Of(Figures.Of(Enumerable.Range(0, 40).Select(place => ExampleRun.Needle("student", "niah_single_2", 4096, Math.Round(place * 100 / 39.0), place < 4 ? 1 : 0, 5))), "niah_single_2"));
        Assert.Equal(10, grid.Depths.Count);
        Assert.Equal(1, grid.Scores[0, 0]);
        Assert.Equal(0, grid.Scores[9, 0]);
    }
}
