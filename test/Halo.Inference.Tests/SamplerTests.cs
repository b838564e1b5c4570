using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

public class SamplerTests
{
    private const int Draws = 20000;
    private static readonly double[] P = [0.05, 0.4, 0.15, 0.3, 0.1];

    [Theory]
    [InlineData(1.0, 1.0)]
    [InlineData(2.0, 1.0)]
    [InlineData(1.0, 0.72)] // Keeps 0.4, 0.3 and 0.15: the token that crosses the sum stays.
    public void FrequenciesFollowTemperatureAndTopP(double temperature, double topP)
    {
        double[] expected = [.. P.Select(p => Math.Pow(p, 1 / temperature))];
        expected = [.. expected.Select(p => p / expected.Sum())];
        if (topP < 1)
        {
            expected = [.. expected.Select(p => p >= 0.15 ? p : 0)];
            expected = [.. expected.Select(p => p / expected.Sum())];
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor logits_BV = tensor(P.Select(p => (float)Math.Log(p)).ToArray()).unsqueeze(0).expand(Draws, P.Length);
        long[] ids = Sampler.Choose(logits_BV, [.. Enumerable.Repeat(new GenerationOptions { Temperature = temperature, TopP = topP }, Draws)], [.. Enumerable.Range(0, Draws).Select(row => Sampler.Uniform(1, row, 3))]).data<long>().ToArray();
        for (int id = 0; id < P.Length; id++)
        {
            double share = ids.Count(drawn => drawn == id) / (double)Draws;
            Assert.InRange(share, expected[id] - 0.015, expected[id] + 0.015); // Over four standard errors.
            Assert.True(expected[id] > 0 || share == 0);
        }
    }

    [Fact]
    public void DrawsDifferBySeedRowAndStep()
    {
        double[] draws = [Sampler.Uniform(1, 2, 3), Sampler.Uniform(2, 2, 3), Sampler.Uniform(1, 3, 3), Sampler.Uniform(1, 2, 4), Sampler.Uniform(2, 1, 3), Sampler.Uniform(1, 3, 2)];
        Assert.Equal(draws.Length, draws.Distinct().Count());
        Assert.Equal(draws[0], Sampler.Uniform(1, 2, 3));
    }
}
