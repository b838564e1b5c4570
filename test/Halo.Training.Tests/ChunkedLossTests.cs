using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

/// <summary>The closed-form gradients against autograd and finite differences, in float64.</summary>
public sealed class ChunkedLossTests
{
    private const int N = 11, D = 5, V = 17;

    private static (Tensor Hidden, Tensor Head, Tensor TeacherHidden, Tensor TeacherHead, Tensor Labels) Problem()
    {
        manual_seed(3);
        return (randn(N, D, ScalarType.Float64), randn(V, D, ScalarType.Float64), randn(N, 3, ScalarType.Float64), randn(V, 3, ScalarType.Float64), randint(V, N, ScalarType.Int64));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(11)]
    [InlineData(100)]
    public void CrossEntropyEqualsAutograd(int chunk)
    {
        var (hidden, head, _, _, labels) = Problem();
        Tensor h = hidden.clone().requires_grad_(), w = head.clone().requires_grad_();
        Tensor expected = nn.functional.cross_entropy(h.mm(w.t()), labels);
        expected.backward();

        Tensor trained = head.clone().requires_grad_();
        trained.grad = ones_like(head);
        var (loss, gradient) = ChunkedLoss.CrossEntropy(hidden, trained, labels, 1.0 / N, chunk);
        Assert.True(allclose(expected, loss, 1e-12));
        Assert.True(allclose(h.grad!, gradient, 1e-10, 1e-12));
        Assert.True(allclose(w.grad! + 1, trained.grad!, 1e-10, 1e-12));
    }

    [Theory]
    [InlineData(4, 0.0)]
    [InlineData(11, 0.3)]
    [InlineData(3, 2.0)]
    public void DistillationEqualsAutograd(int chunk, double weight)
    {
        var (hidden, head, teacherHidden, teacherHead, labels) = Problem();
        Tensor h = hidden.clone().requires_grad_(), w = head.clone().requires_grad_();
        Tensor student = h.mm(w.t()).log_softmax(-1), teacher = teacherHidden.mm(teacherHead.t()).log_softmax(-1);
        // KL(teacher || student) = sum p_t (log p_t - log p_s), summed over the vocabulary, mean over tokens.
        Tensor kl = (teacher.exp() * (teacher - student)).sum() / N;
        Tensor ce = nn.functional.nll_loss(student, labels);
        (kl + (ce * weight)).backward();

        Tensor trained = head.clone().requires_grad_();
        var (divergence, crossEntropy, gradient) = ChunkedLoss.Distillation(hidden, trained, teacherHidden, teacherHead, labels, weight, 1.0 / N, chunk);
        Assert.True(allclose(kl, divergence, 1e-12));
        Assert.True(weight == 0 || allclose(ce, crossEntropy, 1e-12));
        Assert.True(allclose(h.grad!, gradient, 1e-10, 1e-12));
        Assert.True(allclose(w.grad!, trained.grad!, 1e-10, 1e-12));
    }

    [Fact]
    public void DivergenceRunsFromTeacherToStudentAndIsAMeanOverTokens()
    {
        // Two tokens with the teacher at (1/2, 1/2), the student at (3/4, 1/4): KL = ln(1/2 / 3/4) / 2 + ln(1/2 / 1/4) / 2, the same for a mean over any number of tokens.
        Tensor teacher = zeros(2, 1, ScalarType.Float64), head = tensor(new[,] { { 1.0 }, { 0.0 } }), student = full(2, 1, Math.Log(3), ScalarType.Float64);
        double expected = (0.5 * Math.Log(0.5 / 0.75)) + (0.5 * Math.Log(0.5 / 0.25));
        double reverse = (0.75 * Math.Log(0.75 / 0.5)) + (0.25 * Math.Log(0.25 / 0.5));
        double found = ChunkedLoss.Distillation(student, head, teacher, head, zeros(2, ScalarType.Int64), 0, 0.5, 1).Divergence.ToDouble();
        Assert.Equal(expected, found, 1e-12);
        Assert.NotEqual(reverse, found, 1e-3);
    }

    [Fact]
    public void GradientsEqualFiniteDifferences()
    {
        var (hidden, head, teacherHidden, teacherHead, labels) = Problem();
        Tensor gradient = ChunkedLoss.Distillation(hidden, head, teacherHidden, teacherHead, labels, 0.5, 1.0 / N, 4).HiddenGradient_Nd;
        double Loss(Tensor at)
        {
            var (kl, ce, _) = ChunkedLoss.Distillation(at, head, teacherHidden, teacherHead, labels, 0.5, 1.0 / N, 4);
            return kl.ToDouble() + (0.5 * ce.ToDouble());
        }

        for (int i = 0; i < N; i++)
        {
            for (int j = 0; j < D; j++)
            {
                Tensor plus = hidden.clone(), minus = hidden.clone();
                plus[i, j] += 1e-5;
                minus[i, j] -= 1e-5;
                Assert.Equal((Loss(plus) - Loss(minus)) / 2e-5, gradient[i, j].ToDouble(), 1e-8);
            }
        }
    }

    [Fact]
    public void Bfloat16StaysCloseToFloat64()
    {
        var (hidden, head, _, _, labels) = Problem();
        var (loss, gradient) = ChunkedLoss.CrossEntropy(hidden, head, labels, 1.0 / N, 4);
        Tensor trained = head.to_type(ScalarType.Float32).requires_grad_();
        var (low, lowGradient) = ChunkedLoss.CrossEntropy(hidden.to_type(ScalarType.BFloat16), trained, labels, 1.0 / N, 4);
        Assert.Equal(ScalarType.Float32, low.dtype);
        Assert.Equal(ScalarType.Float32, trained.grad!.dtype);
        Assert.Equal(loss.ToDouble(), low.ToDouble(), 0.02);
        Assert.True((gradient - lowGradient.to_type(ScalarType.Float64)).abs().max().ToDouble() < 0.02 * gradient.abs().max().ToDouble());
    }

    [Fact]
    public void VocabulariesMustAgree()
    {
        var (hidden, head, teacherHidden, teacherHead, labels) = Problem();
        Assert.Throws<HaloException>(() => ChunkedLoss.Distillation(hidden, head, teacherHidden, teacherHead.narrow(0, 0, 5), labels, 0, 1, 4));
    }
}
