using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

public class SamplerTests
{
    private const int Draws = 20000;
    private static readonly double[] P = [0.05, 0.4, 0.15, 0.3, 0.1];

    [Theory]
    [InlineData(1.0, 0, 1.0, 0.0)]
    [InlineData(2.0, 0, 1.0, 0.0)]
    [InlineData(1.0, 0, 0.72, 0.0)] // Keeps 0.4, 0.3 and 0.15: the token that crosses the sum stays.
    [InlineData(1.0, 3, 1.0, 0.0)]
    [InlineData(0.7, 2, 1.0, 0.0)] // Few of many: the likeliest alone are sorted.
    [InlineData(1.0, 3, 0.8, 0.0)] // Of 0.4, 0.3, 0.15 the first two reach 0.8 of their sum.
    [InlineData(1.5, 0, 1.0, 0.5)]
    [InlineData(1.0, 4, 0.95, 0.3)]
    public void FrequenciesFollowTheOptions(double temperature, int topK, double topP, double minP)
    {
        double[] expected = Distribution(temperature, topK, topP, minP);
        using DisposeScope scope = NewDisposeScope();
        Tensor logits_BV = tensor(P.Select(p => (float)Math.Log(p)).ToArray()).unsqueeze(0).expand(Draws, P.Length);
        GenerationOptions options = new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        long[] ids = Sampler.Choose(logits_BV, [.. Enumerable.Repeat(options, Draws)], [.. Enumerable.Range(0, Draws).Select(row => Sampler.Uniform(1, row, 3))]).data<long>().ToArray();

        // Pearson's chi-square at 0.001; what is cut off must not occur at all.
        double statistic = 0;
        for (int id = 0; id < P.Length; id++)
        {
            int count = ids.Count(drawn => drawn == id);
            Assert.True(expected[id] > 0 || count == 0);
            statistic += expected[id] > 0 ? Math.Pow(count - (Draws * expected[id]), 2) / (Draws * expected[id]) : 0;
        }

        int freedom = expected.Count(p => p > 0) - 1;
        double[] critical = [0, 10.83, 13.82, 16.27, 18.47];
        Assert.InRange(statistic, 0, critical[freedom]);
    }

    [Fact]
    public void RowsHaveOptionsOfTheirOwn()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits_BV = tensor(P.Select(p => (float)Math.Log(p)).ToArray()).unsqueeze(0).expand(4, P.Length);
        GenerationOptions[] options = [new(), new() { Temperature = 1, TopK = 1 }, new() { Temperature = 1 }, new() { Temperature = 1, TopP = 0.5 }];
        Assert.Equal([1, 1, 0, 3], Sampler.Choose(logits_BV, options, [0.99, 0.99, 0.99, 0.99]).data<long>().ToArray());
    }

    /// <summary>Temperature, then the k likeliest, then the least set that reaches the sum, then those near the likeliest.</summary>
    private static double[] Distribution(double temperature, int topK, double topP, double minP)
    {
        double[] p = [.. P.Select(one => Math.Pow(one, 1 / temperature))];
        void Keep(Func<int, bool> kept)
        {
            p = [.. p.Select((one, id) => kept(id) ? one : 0)];
            p = [.. p.Select(one => one / p.Sum())];
        }

        Keep(_ => true);
        int[] order = [.. Enumerable.Range(0, P.Length).OrderByDescending(id => P[id])];
        Keep(id => topK == 0 || Array.IndexOf(order, id) < topK);
        double[] before = [.. Enumerable.Range(0, P.Length).Select(id => order[..Array.IndexOf(order, id)].Sum(other => p[other]))];
        Keep(id => before[id] < topP);
        double most = p.Max();
        Keep(id => p[id] >= minP * most);
        return p;
    }

    [Fact]
    public void DrawsDifferBySeedRowAndStep()
    {
        double[] draws = [Sampler.Uniform(1, 2, 3), Sampler.Uniform(2, 2, 3), Sampler.Uniform(1, 3, 3), Sampler.Uniform(1, 2, 4), Sampler.Uniform(2, 1, 3), Sampler.Uniform(1, 3, 2)];
        Assert.Equal(draws.Length, draws.Distinct().Count());
        Assert.Equal(draws[0], Sampler.Uniform(1, 2, 3));
    }
}
