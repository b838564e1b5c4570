using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

/// <summary>Against the equations in float64.</summary>
public sealed class AdamWStepTests
{
    private static readonly AdamWStep Step = new(Clip: 1, Keep: 0.999, Rate1: 0.1, Rate2: 0.05, Epsilon: 1e-6, StepSize: 1e-2);

    [Theory]
    [InlineData("bf16", true)]
    [InlineData("float", false)]
    [InlineData("float", true)]
    public void FollowsTheEquations(string gradientType, bool copies)
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        const long Count = (1 << 20) + 8;
        Tensor w = randn(Count, device: CUDA), m = randn(Count, device: CUDA), v = rand(Count, device: CUDA), g = randn(Count, device: CUDA).to_type(FusedCheck.Type(gradientType));
        Tensor? copy = copies ? zeros(Count, ScalarType.BFloat16, CUDA) : null;
        Tensor norm = tensor(4f, device: CUDA), loss = tensor(1f, device: CUDA);
        Tensor x = g.to_type(ScalarType.Float64) / 4, m1 = (m.to_type(ScalarType.Float64) * 0.9) + (x * 0.1), v1 = (v.to_type(ScalarType.Float64) * 0.95) + (x * x * 0.05);
        Tensor w1 = (w.to_type(ScalarType.Float64) * 0.999) - (1e-2 * m1 / (v1.sqrt() + 1e-6));
        Step.Launch(w, m, v, g, copy, norm, loss);
        Near.Relative(m1, m, 1e-5);
        Near.Relative(v1, v, 1e-5);
        Near.Relative(w1, w, 1e-5);
        if (copy is not null)
        {
            Assert.True(copy.equal(w.to_type(ScalarType.BFloat16)).all().item<bool>());
        }
    }

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(1f, float.NaN)]
    public void NonFiniteStepsTouchNothing(float norm, float loss)
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor w = randn(64, device: CUDA), m = randn(64, device: CUDA), v = rand(64, device: CUDA), g = randn(64, device: CUDA);
        Tensor before = cat([w, m, v]);
        Step.Launch(w, m, v, g, null, tensor(norm, device: CUDA), tensor(loss, device: CUDA));
        Assert.True(before.Equals(cat([w, m, v])));
    }
}
