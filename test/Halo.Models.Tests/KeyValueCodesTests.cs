using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class KeyValueCodesTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void No_value_is_further_off_than_half_a_step(ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(7);
        Tensor sizes = tensor([1e-6f, 1e-3f, 1f, 30f, 1e4f]).view(1, 1, 5, 1);
        Tensor x = (randn([3, 2, 5, 64], generator: generator) * sizes).to_type(type);
        (Tensor codes, Tensor scales) = KeyValueCodes.Of(x);
        Assert.Equal((ScalarType.Int8, ScalarType.Float32), (codes.dtype, scales.dtype));
        Assert.Equal(x.shape, codes.shape);
        Assert.Equal([3L, 2, 5], scales.shape);

        Tensor exact = x.to_type(ScalarType.Float32), steps = scales.unsqueeze(-1);
        Tensor error = (KeyValueCodes.Dense(codes, scales, ScalarType.Float32) - exact).abs();
        Assert.True((error <= steps * 0.50001).all().item<bool>());
        Assert.True((error > steps * 0.4).any().item<bool>()); // They are rounded indeed.

        // The greatest of a head has the greatest code: no range is wasted.
        Assert.True(codes.to_type(ScalarType.Float32).abs().amax([-1]).eq(127).all().item<bool>());
        Near.Relative(exact.abs().amax([-1]), scales * 127, 1e-6);
    }

    [Fact]
    public void Nothing_stays_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = zeros([2, 3, 16]);
        (Tensor codes, Tensor scales) = KeyValueCodes.Of(x);
        Assert.Equal(0, KeyValueCodes.Dense(codes, scales, ScalarType.Float32).abs().max().item<float>());
        Assert.True(scales.isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.BFloat16, 1e-2)]
    public void What_was_rounded_stays_when_it_is_rounded_again(ScalarType type, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(8);
        Tensor x = randn([2, 2, 9, 32], generator: generator).to_type(type), once = KeyValueCodes.Rounded(x);
        Assert.Equal(type, once.dtype);
        Assert.False(once.Equals(x));
        Near.Relative(once.to_type(ScalarType.Float32), KeyValueCodes.Rounded(once).to_type(ScalarType.Float32), tolerance);
    }
}
