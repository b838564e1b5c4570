using Halo.Models;

namespace Halo.Inference.Tests;

/// <summary>Beginnings that are read once, and equal requests that are computed once.</summary>
public sealed class SharedPrefixTests
{
    private static ScoringRequest[] Items()
    {
        // Items of four choices after one context (one choice twice, one of a single id), contexts that share a part, and some that stand alone.
        var requests = new List<ScoringRequest>();
        for (int item = 0; item < 6; item++)
        {
            int[] context = TinyModel.Ids(14 + (item % 3), item < 4 ? 50 + item : 53);
            requests.AddRange([new(context, TinyModel.Ids(5, 7)), new(context, TinyModel.Ids(1, 8)), new(context, TinyModel.Ids(9, 9 + item)), new(context, TinyModel.Ids(5, 7))]);
        }

        requests.Add(new(TinyModel.Ids(3, 1), TinyModel.Ids(2, 2)));
        int[] beginning = TinyModel.Ids(20, 99);
        requests.Add(new([.. beginning, 3, 4], [5, 6]));
        requests.Add(new([.. beginning, 7], [5, 6]));
        return [.. requests];
    }

    [Theory]
    [InlineData("hypenet", 0)]
    [InlineData("hypenet", 1)]
    [InlineData("hypenet", 3)]
    [InlineData("qwen3-untied", 0)]
    public void FiguresAreThoseOfRequestsScoredAlone(string name, int batch)
    {
        using CausalLm model = TinyModel.Load(name);
        ScoringRequest[] requests = Items();
        var scorer = new SequenceScorer(model);
        var reports = new List<int>();
        IReadOnlyList<ScoredSequence> together = scorer.Score(requests, batch: batch, onScored: reports.Add);
        Assert.Equal(requests.Length, reports[^1]);
        Assert.Equal(reports.Order(), reports);
        for (int i = 0; i < requests.Length; i++)
        {
            ScoredSequence alone = new SequenceScorer(model) { Block = 4 }.Score([requests[i]])[0];
            Assert.Equal(alone.TokenMatches, together[i].TokenMatches);
            Assert.Equal(alone.LogLikelihood, together[i].LogLikelihood, 1e-4);
        }

        Assert.Same(together[0], together[3]);
    }

    [Fact]
    public void TheBeginningOfAnItemIsReadOnce()
    {
        ScoringRequest[] requests = Items();
        IReadOnlyList<ScoringRow> rows = ScoringPlan.Rows(requests, 0, TinyModel.Vocabulary);
        IReadOnlyList<ScoringGroup> groups = ScoringPlan.Groups(rows, 1000);
        Assert.Equal(requests.Length, rows.Sum(row => row.Targets.Sum(target => target.Requests.Count)));
        Assert.Equal(rows.Count, groups.Sum(group => group.Rows.Count));
        Assert.All(groups, group => Assert.All(group.Rows, row => Assert.Equal(group.Rows[0].Inputs[..group.Shared], row.Inputs[..group.Shared])));
        long read = groups.Sum(group => group.Shared + group.Rows.Sum(row => (long)row.Inputs.Length - group.Shared));
        long plain = requests.Sum(request => request.Context.Length + request.Continuation.Length - 1L);
        Assert.True(read * 2 < plain, $"{read} of {plain}");
        Assert.All(ScoringPlan.Groups(rows, 0), group => Assert.Equal(0, group.Shared));
    }

    [Fact]
    public void RequestsOfOneInputAreOneRow()
    {
        int[] context = TinyModel.Ids(10, 1);
        IReadOnlyList<ScoringRow> rows = ScoringPlan.Rows([new(context, [3]), new(context, [4]), new(context, [3]), new(context[..9], [context[9], 5])], 0, TinyModel.Vocabulary);
        ScoringRow row = Assert.Single(rows);
        Assert.Equal([[3], [4], [context[9], 5]], row.Targets.Select(target => target.Ids));
        Assert.Equal([9, 9, 8], row.Targets.Select(target => target.First));
        Assert.Equal([0, 2], row.Targets[0].Requests);
    }

    [Fact]
    public void BatchesKeepToTheirBoundsAndLeaveNothingOut()
    {
        ScoringRow[] rows = [.. Enumerable.Range(1, 300).Select(length => new ScoringRow(TinyModel.Ids(length % 90 + 4, length))).OrderByDescending(row => row.Inputs.Length)];
        ScoringRow[][] batches = [.. ScoringPlan.RowBatches(rows, 3, 500, _ => 20)];
        Assert.Equal(rows, batches.SelectMany(batch => batch));
        Assert.All(batches, batch => Assert.True(batch.Length == 1 || (batch.Length <= 20 && batch.Length * (batch[0].Inputs.Length - 3) <= 500)));
        Assert.All(batches.SkipLast(1), batch => Assert.True(batch.Length * 8 >= Math.Clamp(500 / (batch[0].Inputs.Length - 3), 1, 20)));
        ScoringGroup[] groups = [.. rows.Where(row => row.Inputs.Length > 9).Select(row => new ScoringGroup([row], row.Inputs.Length - 1))];
        ScoringGroup[][] parts = [.. ScoringPlan.GroupBatches(groups, 400, _ => 50)];
        Assert.Equal(groups, parts.SelectMany(part => part));
        Assert.All(parts, part => Assert.True(part[^1].Shared * 8 >= part[0].Shared * 7 && (part.Length == 1 || part.Length * part[0].Shared <= 400)));
    }
}
