using CsCheck;
using Halo.Core;

namespace Halo.Reporting.Tests;

public sealed class FiguresTests
{
    [Fact]
    public void The_best_factor_is_chosen_for_each_length()
    {
        Figures figures = Figures.Of([
            ExampleRun.Perplexity("teacher", 1024, null, 20, 1), ExampleRun.Perplexity("teacher", 1024, null, 22, 4),
            ExampleRun.Perplexity("teacher", 8192, null, 90, 1), ExampleRun.Perplexity("teacher", 8192, null, 25, 4),
            ExampleRun.Needle("teacher", "niah_single_1", 8192, null, 0.2, 10, 4), ExampleRun.Needle("teacher", "niah_single_1", 8192, null, 0.9, 10, 32)]);

        Assert.Equal(1, Assert.Single(figures.Best, figure => figure is { Length: 1024 }).Yarn);
        Assert.Equal(4, Assert.Single(figures.Best, figure => figure is { Length: 8192, Task: "perplexity" }).Yarn);
        Assert.Equal(32, Assert.Single(figures.Best, figure => figure.Task == "niah_single_1").Yarn);
        Assert.True(figures.ChoseYarn);
    }

    [Fact]
    public void All_cells_of_a_length_come_from_one_factor()
    {
        // Factor 4 is better at depth 0, factor 32 in the mean.
        Figures figures = Figures.Of([
            ExampleRun.Needle("teacher", "niah_single_2", 8192, 0, 1, 10, 4), ExampleRun.Needle("teacher", "niah_single_2", 8192, 100, 0, 10, 4),
            ExampleRun.Needle("teacher", "niah_single_2", 8192, 0, 0.8, 10, 32), ExampleRun.Needle("teacher", "niah_single_2", 8192, 100, 0.8, 10, 32)]);
        Assert.All(figures.Best, figure => Assert.Equal(32, figure.Yarn));
        Assert.Equal(0.8, Assert.Single(figures.Best, figure => figure.IsWhole).Value, 12);
    }

    [Fact]
    public void Points_by_position_come_from_the_factor_of_their_whole()
    {
        Figures figures = Figures.Of([
            ExampleRun.Perplexity("teacher", 8192, null, 30, 1), ExampleRun.Perplexity("teacher", 8192, null, 25, 4),
            ExampleRun.Perplexity("teacher", 8192, 1024, 20, 1), ExampleRun.Perplexity("teacher", 8192, 1024, 24, 4)]);
        Assert.All(figures.Best, figure => Assert.Equal((4.0, "perplexity"), (figure.Yarn, figure.Metric)));
        Assert.Equal(2, figures.Best.Count);
    }

    [Fact]
    public void No_factor_beats_the_chosen_one() =>
        Gen.Select(Gen.Double[1, 100], Gen.Double[1, 2]).Array[1, 12].Sample(values =>
        {
            ResultRecord[] records = [.. values.Select((value, place) => ExampleRun.Perplexity("teacher", 4096, null, value.Item1, 1 + place))];
            Assert.Equal(values.Min(value => value.Item1), Assert.Single(Figures.Of(records).Best).Value);
        });

    [Fact]
    public void The_whole_of_cells_equals_the_mean_over_their_items()
    {
        Figures figures = Figures.Of([ExampleRun.Needle("student", "niah_single_1", 1024, 0, 1.0, 30), ExampleRun.Needle("student", "niah_single_1", 1024, 50, 0.5, 10)]);
        Figure whole = Assert.Single(figures.Best, figure => figure.IsWhole);
        Assert.Equal(((30 * 1.0) + (10 * 0.5)) / 40, whole.Value, 12);
        Assert.Equal(40, whole.N);
        Assert.Equal(0.25 * Math.Sqrt(0.25 / 9), whole.Stderr!.Value, 12);
    }

    [Fact]
    public void A_figure_measured_again_replaces_the_first()
    {
        Figures figures = Figures.Of([ExampleRun.Perplexity("student", 1024, null, 30), ExampleRun.Perplexity("student", 1024, null, 29)]);
        Assert.Equal(29, Assert.Single(figures.All).Value);
        Assert.False(figures.ChoseYarn);
    }

    [Fact]
    public void Teacher_and_student_stand_first() =>
        Assert.Equal(["teacher", "student", "untrained", "b", "a"], Column.Order(["b", "untrained", "a", "student", "b", "teacher"]));
}
