namespace Halo.Reporting.Tests;

public sealed class FigureRowTests
{
    [Fact]
    public void Shares_are_compared_by_difference_and_perplexities_by_ratio()
    {
        IReadOnlyList<FigureRow> rows = FigureRow.Of(Figures.Of([
            ExampleRun.Needle("teacher", "niah_single_1", 4096, null, 0.75, 20), ExampleRun.Needle("student", "niah_single_1", 4096, null, 0.9, 20),
            ExampleRun.Perplexity("teacher", 4096, null, 20), ExampleRun.Perplexity("student", 4096, null, 21)]));
        Assert.Equal("+15.0", Assert.Single(rows, row => row.Metric == "score").Comparison);
        Assert.Equal("× 1.050", Assert.Single(rows, row => row.Metric == "perplexity").Comparison);
    }

    [Fact]
    public void Nothing_is_compared_with_a_missing_teacher() =>
        Assert.Null(Assert.Single(FigureRow.Of(Figures.Of([ExampleRun.Perplexity("student", 4096, null, 21)]))).Comparison);

    [Fact]
    public void Rows_of_a_task_stand_by_length() =>
        Assert.Equal([1024L, 2048, 4096], FigureRow.Of(Figures.Of([ExampleRun.Perplexity("student", 4096, null, 1), ExampleRun.Perplexity("student", 1024, null, 1), ExampleRun.Perplexity("teacher", 2048, null, 1)])).Select(row => row.Length!.Value));
}
