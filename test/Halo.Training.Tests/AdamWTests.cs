using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class AdamWTests
{
    private static readonly TrainingOptions Options = new() { WeightDecay = 0.1, ClipNorm = 0.5, LearningRate = 0.01 };

    private static List<Parameter> Parameters()
    {
        manual_seed(5);
        return [Make("vector", 7), Make("matrix", 5, 3), Make("other", 2, 9)];

        static Parameter Make(string name, params long[] shape) => new(name, shape) { Value = randn(shape) };
    }

    [Fact]
    public void FollowsItsEquationsInDoublePrecision()
    {
        List<Parameter> parameters = Parameters();
        double[][] expected = [.. parameters.Select(parameter => parameter.Value.data<float>().Select(value => (double)value).ToArray())];
        double[][] first = [.. expected.Select(values => new double[values.Length])], second = [.. expected.Select(values => new double[values.Length])];
        using var flat = new FlatParameters(parameters);
        using var optimizer = new AdamW(flat, Options);
        for (int step = 0; step < 5; step++)
        {
            flat.ZeroGradient();
            foreach (Parameter parameter in parameters)
            {
                (parameter.Value.pow(2) * (step + 1)).sum().backward();
            }

            double[][] gradients = [.. parameters.Select(parameter => parameter.Value.grad!.data<float>().Select(value => (double)value).ToArray())];
            double norm = Math.Sqrt(gradients.Sum(values => values.Sum(value => value * value)));
            Assert.Equal(norm, optimizer.Update(step, 0.01, tensor(1f)).ToDouble(), 1e-4 * norm);
            double clip = Math.Min(1, 0.5 / norm);
            for (int p = 0; p < expected.Length; p++)
            {
                double decay = parameters[p].Shape.Count == 2 ? 1 - (0.01 * 0.1) : 1;
                for (int i = 0; i < expected[p].Length; i++)
                {
                    double g = gradients[p][i] * clip;
                    first[p][i] = (0.9 * first[p][i]) + (0.1 * g);
                    second[p][i] = (0.95 * second[p][i]) + (0.05 * g * g);
                    double m = first[p][i] / (1 - Math.Pow(0.9, step + 1)), v = second[p][i] / (1 - Math.Pow(0.95, step + 1));
                    expected[p][i] = (expected[p][i] * decay) - (0.01 * m / (Math.Sqrt(v) + 1e-8));
                }

                float[] found = parameters[p].Value.detach().data<float>().ToArray();
                Assert.All(found.Zip(expected[p]), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(0f, float.NaN)]
    public void NonFiniteStepsTouchNothing(float poison, float loss)
    {
        List<Parameter> parameters = Parameters();
        using var flat = new FlatParameters(parameters);
        using var optimizer = new AdamW(flat, Options);
        flat.Gradient.fill_(0.1);
        optimizer.Update(0, 0.01, tensor(1f));
        using Tensor before = cat([flat.Master, optimizer.FirstMoment, optimizer.SecondMoment]);
        flat.Gradient.fill_(0.1);
        flat.Gradient[3] = poison;
        double norm = optimizer.Update(1, 0.01, tensor(loss)).ToDouble();
        Assert.False(double.IsFinite(norm + loss));
        using Tensor after = cat([flat.Master, optimizer.FirstMoment, optimizer.SecondMoment]);
        Assert.True(before.Equals(after));
    }
}
