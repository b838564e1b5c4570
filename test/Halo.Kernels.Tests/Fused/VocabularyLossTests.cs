using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

/// <summary>Against autograd in float64.</summary>
public sealed class VocabularyLossTests
{
    [Theory]
    [InlineData(1, 8, 0.0)]
    [InlineData(5, 512, 0.3)]
    [InlineData(33, 8192, 0.0)]
    [InlineData(3, 151936, 2.0)]
    public void LossesAndGradientsAreThoseOfFloat64(long tokens, long vocabulary, double weight)
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor student = (randn([tokens, vocabulary], device: CUDA) * 3).to_type(ScalarType.BFloat16), teacher = (randn([tokens, vocabulary], device: CUDA) * 4).to_type(ScalarType.BFloat16);
        Tensor labels = randint(vocabulary, [tokens], ScalarType.Int64, CUDA);
        Tensor s = student.to_type(ScalarType.Float64).requires_grad_(), t = teacher.to_type(ScalarType.Float64);
        Tensor logS = s.log_softmax(-1), logT = t.log_softmax(-1);
        Tensor kl = (logT.exp() * (logT - logS)).sum(-1), ce = -logS.gather(1, labels.unsqueeze(1)).squeeze(1);
        Tensor[] single = [autograd.grad([ce.sum()], [s], retain_graph: true)[0]];
        (kl + (weight * ce)).sum().backward();

        Tensor gradient = student.clone();
        Near.Relative(ce.detach(), VocabularyLoss.CrossEntropy(gradient, labels), 1e-4);
        Near.Relative(single[0], gradient, 1e-2);
        gradient = student.clone();
        (Tensor divergence, Tensor crossEntropy) = VocabularyLoss.Distillation(gradient, teacher, labels, weight);
        Near.Relative(kl.detach(), divergence, 1e-4);
        Near.Relative(ce.detach(), crossEntropy, 1e-4);
        Near.Relative(s.grad!, gradient, 1e-2);
    }

    [Fact]
    public void WhatIsNotFiniteShows()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = zeros([2, 64], ScalarType.BFloat16, CUDA), labels = zeros([2], ScalarType.Int64, CUDA);
        logits[1, 40] = float.NaN;
        Tensor loss = VocabularyLoss.CrossEntropy(logits, labels);
        Assert.Equal(Math.Log(64), loss[0].item<float>(), 1e-4);
        Assert.True(float.IsNaN(loss[1].item<float>()));
    }
}
