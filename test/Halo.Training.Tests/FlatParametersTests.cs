using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class FlatParametersTests
{
    [Fact]
    public void AutogradAddsIntoTheFlatBuffer()
    {
        using Tensor original = randn(4, 6).to_type(ScalarType.BFloat16);
        var matrix = new Parameter("matrix", 4, 6) { Value = original.clone() };
        var vector = new Parameter("vector", 3) { Value = ones(3) };
        using (var flat = new FlatParameters([vector, matrix]))
        {
            Assert.Equal(["matrix", "vector"], flat.Segments.Select(segment => segment.Name));
            Assert.Equal(27, flat.Count);
            Assert.True(flat.DecayedLength >= 24 && flat.DecayedLength <= flat.Segments[1].Offset);
            for (int pass = 1; pass <= 3; pass++)
            {
                ((matrix.As(ScalarType.BFloat16) * 2).sum() + (vector.Value * 5).sum()).backward();
                Assert.Equal((24 * 2 + 3 * 5) * pass, flat.Gradient.sum().ToSingle());
            }

            using (no_grad())
            {
                flat.Master.add_(1);
            }

            Assert.True(matrix.Value.detach().Equals(original.to_type(ScalarType.Float32) + 1));
            flat.ZeroGradient();
            Assert.Equal(0, matrix.Value.grad!.abs().sum().ToSingle());
        }

        Assert.False(matrix.Value.requires_grad);
        Assert.True(matrix.Value.Equals(original.to_type(ScalarType.Float32) + 1));
    }

    [Fact]
    public void GradientsOfBFloat16CopiesAreSummedInFloat32()
    {
        var matrix = new Parameter("matrix", 2, 2) { Value = ones(2, 2) };
        using (var flat = new FlatParameters([matrix], half: true))
        {
            Assert.Null(flat.HalfGradient);
            for (int pass = 0; pass < 3; pass++)
            {
                // 256 and 1 in bfloat16 make 256: their sum shows in what type it was formed. Two graphs that end in one copy.
                (matrix.As(ScalarType.BFloat16) * 256).sum().backward();
                Tensor weight = matrix.As(ScalarType.BFloat16);
                (weight.sum() + (weight * 3).sum()).backward();
                Assert.Equal(4 * 260 * (pass + 1), flat.Gradient.sum().ToSingle());
            }

            using (no_grad())
            {
                flat.Master.fill_(2);
                flat.Refresh();
            }

            Assert.Equal(8, matrix.As(ScalarType.BFloat16).sum().ToSingle());
            flat.ZeroGradient();
            Assert.Equal(0, flat.Gradient.abs().sum().ToSingle());
        }

        Assert.Null(matrix.WorkingGradient);
        Assert.Equal(ScalarType.Float32, matrix.As(ScalarType.Float32).dtype);
    }

    [Fact]
    public void TensorsThatHeldTheWeightsAreFreed()
    {
        (Parameter matrix, WeakReference before) = Make();
        using FlatParameters flat = FlatParameters.Take([matrix], half: false, accumulates: true);
        Assert.False(before.IsAlive);
        Assert.Equal(6, matrix.Value.sum().ToSingle());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static (Parameter, WeakReference) Make()
        {
            var made = new Parameter("matrix", 2, 3) { Value = ones(2, 3) };
            return (made, new WeakReference(made.Value));
        }
    }

    [Fact]
    public void RefusesAWeightGivenTwice()
    {
        var matrix = new Parameter("matrix", 1, 1) { Value = zeros(1, 1) };
        Assert.Throws<ArgumentException>(() => new FlatParameters([matrix, matrix]));
        Assert.Throws<ArgumentException>(() => new FlatParameters([]));
    }
}
