using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Testing;

internal static class Near
{
    /// <summary>Largest difference as a share of the largest absolute value expected.</summary>
    public static void Relative(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = expected.to(ScalarType.Float64);
        double difference = (wide - actual.to(ScalarType.Float64)).abs().max().item<double>();
        double largest = wide.abs().max().item<double>();
        Assert.True(difference <= tolerance * largest, $"difference {difference} of {largest}: {difference / largest:E2} is above {tolerance:E2}");
    }
}
