using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests;

/// <summary>Random inputs of a given shape.</summary>
internal sealed record LightningInputs(Tensor Q, Tensor K, Tensor V, Tensor State, double[] Slopes, double Scale)
{
    public static LightningInputs Random(int batch, int length, int heads, int size, ScalarType type = ScalarType.Float32, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        Tensor Normal(params long[] shape) => randn(shape, ScalarType.Float32, generator: generator).to(type);
        return new(
            Normal(batch, length, heads, size), Normal(batch, length, heads, size), Normal(batch, length, heads, size),
            Normal(batch, heads, size, size).to(type == ScalarType.Float64 ? type : ScalarType.Float32), Lightning.Slopes(heads), 1 / Math.Sqrt(size));
    }
}
