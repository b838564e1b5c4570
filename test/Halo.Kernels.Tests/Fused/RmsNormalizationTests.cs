using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

public class RmsNormalizationTests
{
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData("bf16", "bf16", 192, 1e-2)]
    [InlineData("bf16", "f32", 1024, 1e-2)]
    [InlineData("bf16", "bf16", 2048, 1e-2)]
    [InlineData("bf16", "bf16", 2560, 1e-2)]
    [InlineData("bf16", "f32", 4096, 1e-2)]
    [InlineData("bf16", "bf16", 5120, 1e-2)]
    [InlineData("bf16", "bf16", 8192, 1e-2)]
    [InlineData("f32", "f32", 192, 1e-4)]
    [InlineData("f32", "f32", 1000, 1e-4)]
    [InlineData("f32", "f32", 5120, 1e-4)]
    public void NormAndGradients(string type, string weightType, int width, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (long rows in (long[])[1, 37, FusedCheck.Many(3000)])
        {
            Tensor x = FusedCheck.Values(FusedCheck.Type(type), rows, width), w = FusedCheck.Values(FusedCheck.Type(weightType), width);
            FusedCheck.Agree(inputs => [Norm(inputs[0]!, inputs[1]!)], inputs => [RmsNormalization.Plain(inputs[0]!, inputs[1]!, Epsilon)], [x, w], tolerance);
            FusedCheck.Agree(
                inputs => Added(inputs[0]!, inputs[1]!, inputs[2]!),
                inputs => [inputs[0]! + inputs[1]!, RmsNormalization.Plain(inputs[0]! + inputs[1]!, inputs[2]!, Epsilon)],
                [x, FusedCheck.Values(x.dtype, rows, width), w],
                tolerance);
        }
    }

    [Fact]
    public void RowsThatAreNoNeighboursAreCopied()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = FusedCheck.Values(ScalarType.BFloat16, 6, 3, 256).narrow(1, 1, 2).narrow(2, 3, 192), w = FusedCheck.Values(ScalarType.BFloat16, 192);
        Near.Relative(RmsNormalization.Plain(x.to_type(ScalarType.Float64), w.to_type(ScalarType.Float64), Epsilon), Norm(x, w), 1e-2);
    }

    [Fact]
    public void GradientsAreTheSameEachTime()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = FusedCheck.Values(ScalarType.BFloat16, 5000, 2048), w = FusedCheck.Values(ScalarType.BFloat16, 2048), g = FusedCheck.Values(ScalarType.BFloat16, 5000, 2048);
        Tensor Gradient()
        {
            Tensor weight = w.detach().clone().requires_grad_(true);
            RmsNormalization.Forward(x, weight, Epsilon).backward([g]);
            return weight.grad!;
        }

        Assert.True(Gradient().equal(Gradient()).all().item<bool>());
    }

    [Fact]
    public void OtherTypesAndWidthsGoThePlainWay()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor w = FusedCheck.Values(ScalarType.Float32, 100);
        Assert.False(RmsNormalization.Serves(FusedCheck.Values(ScalarType.Float64, 2, 100), w));
        Assert.False(RmsNormalization.Serves(FusedCheck.Values(ScalarType.BFloat16, 2, 100), w));
        Assert.False(RmsNormalization.Serves(zeros(2, 100), w));
    }

    [Theory]
    [InlineData(192, ScalarType.BFloat16, 32, 1, 8)]
    [InlineData(1024, ScalarType.BFloat16, 64, 2, 4)]
    [InlineData(2048, ScalarType.BFloat16, 128, 2, 2)]
    [InlineData(2560, ScalarType.BFloat16, 160, 2, 1)]
    [InlineData(8192, ScalarType.BFloat16, 512, 2, 1)]
    [InlineData(8192, ScalarType.Float32, 1024, 2, 1)]
    [InlineData(16384, ScalarType.Float32, 1024, 4, 1)]
    public void TheWorkIsDivided(int width, ScalarType type, int span, int perThread, int rows)
    {
        Assert.True(RowLayout.Fits(width, type));
        RowLayout layout = RowLayout.Of(width, type);
        Assert.Equal(new RowLayout(width, span, perThread, rows), layout);
        Assert.InRange(layout.Threads, 32, 1024);
        Assert.False(RowLayout.Fits(width + 1, type));
        Assert.Equal(3, layout.Blocks((2 * rows) + 1));
    }

    private static Tensor Norm(Tensor x, Tensor w)
    {
        Assert.Equal(FusedCheck.Device.type == DeviceType.CUDA, RmsNormalization.Serves(x, w));
        return RmsNormalization.Serves(x, w) ? RmsNormalization.Forward(x, w, Epsilon) : RmsNormalization.Plain(x, w.to_type(x.dtype), Epsilon);
    }

    private static Tensor[] Added(Tensor x, Tensor added, Tensor w)
    {
        if (!RmsNormalization.Serves(x, w))
        {
            Tensor h = x + added;
            return [h, RmsNormalization.Plain(h, w.to_type(x.dtype), Epsilon)];
        }

        (Tensor sum, Tensor normed) = RmsNormalization.ForwardAdded(x, added, w, Epsilon);
        return [sum, normed];
    }
}
