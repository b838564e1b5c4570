using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

public class GatedOutputTests
{
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData("bf16", "bf16", 256, 1e-2)]
    [InlineData("bf16", "f32", 1024, 1e-2)]
    [InlineData("bf16", "bf16", 2048, 1e-2)]
    [InlineData("bf16", "f32", 4096, 1e-2)]
    [InlineData("bf16", "bf16", 8192, 1e-2)]
    [InlineData("f32", "f32", 256, 1e-4)]
    [InlineData("f32", "f32", 8192, 1e-4)]
    public void WithANormOrWithout(string type, string weightType, int width, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (long rows in (long[])[1, 53, FusedCheck.Many(2500)])
        {
            Tensor o = FusedCheck.Values(FusedCheck.Type(type), 2, rows, width), z = FusedCheck.Values(o.dtype, 2, rows, width), w = FusedCheck.Values(FusedCheck.Type(weightType), width);
            FusedCheck.Agree(Gated, Reference, [o, w, z], tolerance);
            FusedCheck.Agree(Gated, Reference, [o, null, z], tolerance);
        }
    }

    [Theory]
    [InlineData("bf16", 1e-2)]
    [InlineData("f32", 1e-4)]
    public void SwiGluOfAnyLength(string type, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (long[] shape in (long[][])[[1], [7], [3, 5], [4, 512], [3, 6144], [FusedCheck.Many(1001), 333]])
        {
            Tensor gate = FusedCheck.Values(FusedCheck.Type(type), shape), up = FusedCheck.Values(gate.dtype, shape);
            Assert.Equal(FusedCheck.Device.type == DeviceType.CUDA, SwiGlu.Serves(gate, up));
            FusedCheck.Agree(inputs => [SwiGlu.Forward(inputs[0]!, inputs[1]!)], inputs => [SwiGlu.Plain(inputs[0]!, inputs[1]!)], [gate, up], tolerance);
        }
    }

    [Fact]
    public void LargeGatesDoNotOverflow()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor g = tensor((float[])[-1e4f, -200, -90, 0, 90, 200, 1e4f, 1e30f], device: FusedCheck.Device).requires_grad_(true), u = ones_like(g).detach();
        Tensor y = SwiGlu.Forward(g, u);
        y.sum().backward();
        Assert.True(y.isfinite().all().item<bool>());
        Assert.True(g.grad!.isfinite().all().item<bool>());
        Assert.Equal([0f, 1e4f], (float[])[y[0].item<float>(), y[6].item<float>()]);
    }

    private static Tensor[] Gated(Tensor?[] inputs)
    {
        (Tensor o, Tensor? w, Tensor z) = (inputs[0]!, inputs[1], inputs[2]!);
        Assert.Equal(FusedCheck.Device.type == DeviceType.CUDA, GatedOutput.Serves(o, w, z));
        return [GatedOutput.Serves(o, w, z) ? GatedOutput.Forward(o, w, Epsilon, z) : GatedOutput.Plain(o, w?.to_type(o.dtype), Epsilon, z)];
    }

    private static Tensor[] Reference(Tensor?[] inputs) => [GatedOutput.Plain(inputs[0]!, inputs[1], Epsilon, inputs[2]!)];
}
