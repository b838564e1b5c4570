using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests;

/// <summary>Alone, because it counts nodes and memory.</summary>
[Collection("switch")]
public class DifferentiableTests
{
    [Fact]
    public void GradientsAreThoseOfTheFormula()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 4, requires_grad: true), w = randn(4, requires_grad: true);
        Tensor y = Scaled(x * 2, w);
        Assert.True(y.requires_grad);
        (y * y).sum().backward();
        using Tensor expected_x = 8 * x.detach() * w.detach().square(), expected_w = 8 * (x.detach().square() * w.detach()).sum([0L]);
        Near.Relative(expected_x, x.grad!, 1e-6);
        Near.Relative(expected_w, w.grad!, 1e-6);
        Assert.Null(Differentiable.TakeFailure());
    }

    [Fact]
    public void WithoutGradientsThereIsNoNode()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 4), w = randn(4, requires_grad: true);
        int before = DifferentiableNode.Alive;
        Assert.False(Scaled(x, w.detach()).requires_grad);
        using (no_grad())
        {
            Assert.False(Scaled(x, w).requires_grad);
        }

        using (inference_mode())
        {
            Assert.False(Scaled(x, w).requires_grad);
        }

        Assert.Equal(before, DifferentiableNode.Alive);
    }

    [Fact]
    public void OnlyWantedGradientsAreAskedFor()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 4), w = randn(4, requires_grad: true);
        bool[]? needs = null;
        Tensor y = Differentiable.Attach(Product(x, w), [x, null, w], [x, w], (node, gradients) =>
        {
            needs = [node.Needs(0), node.Needs(1), node.Needs(2)];
            return [gradients[0]! * node.Saved[1]!, null, (gradients[0]! * node.Saved[0]!).sum([0L])];
        });
        y.sum().backward();
        Assert.Equal([false, false, true], needs!);
        Assert.Null(x.grad);
        Near.Relative(x.sum([0L]), w.grad!, 1e-6);
    }

    [Fact]
    public void AnOutputThatIsNotUsedHasNoGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(5, requires_grad: true);
        Tensor?[]? seen = null;
        Tensor[] both = Differentiable.Apply([x], wanted => ([x + 1, x * 3], wanted ? [x] : []), (node, gradients) =>
        {
            seen = gradients;
            return [gradients[1]! * 3];
        });
        both[1].sum().backward();
        Assert.Null(seen![0]);
        Near.Relative(full(5, 3.0), x.grad!, 1e-6);
    }

    [Fact]
    public void ASecondPassIsRefusedWithTheReason()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 4, requires_grad: true), w = randn(4, requires_grad: true);
        Tensor y = Scaled(x, w).sum();
        autograd.backward([y], retain_graph: true);
        Assert.ThrowsAny<Exception>(() => y.backward());
        Assert.Contains("backward twice", Differentiable.TakeFailure()!.Message);
        Assert.Null(Differentiable.TakeFailure());
    }

    [Fact]
    public void AFailureInABackwardPassIsAnErrorNotACrash()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, requires_grad: true);
        Tensor y = Differentiable.Attach(x.detach() * 2, [x], [], (_, _) => throw new InvalidOperationException("broken on purpose"));
        Assert.ThrowsAny<Exception>(() => y.sum().backward());
        Assert.Equal("broken on purpose", Differentiable.TakeFailure()!.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TenThousandCallsLeaveNothingBehind(bool backward)
    {
        const int Calls = 10_000;
        const long Elements = 1 << 14;
        using Tensor x = randn(4, Elements / 4, requires_grad: true), w = randn(Elements / 4, requires_grad: true);
        long Memory()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Process.GetCurrentProcess().WorkingSet64;
        }

        void Once()
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor y = Scaled(Scaled(x, w), w).sum();
            if (backward)
            {
                y.backward();
                x.grad!.Dispose();
                w.grad!.Dispose();
                x.grad = null;
                w.grad = null;
            }
        }

        for (int i = 0; i < 100; i++)
        {
            Once();
        }

        (int made, int alive, long memory) = (DifferentiableNode.Made, DifferentiableNode.Alive, Memory());
        for (int i = 0; i < Calls; i++)
        {
            Once();
        }

        // A tensor forgotten each time would be 650 MB.
        Assert.InRange(Memory() - memory, long.MinValue, 100L << 20);
        Assert.Equal((made, alive), (DifferentiableNode.Made, DifferentiableNode.Alive));
    }

    [Fact]
    public void GraphsOnSeveralThreadsDoNotDisturbEachOther()
    {
        Parallel.For(0, 8, i =>
        {
            using DisposeScope scope = NewDisposeScope();
            for (int n = 0; n < 50; n++)
            {
                Tensor x = full(10, i + 1.0, requires_grad: true), w = full(10, 2.0, requires_grad: true);
                Scaled(Scaled(x, w), w).sum().backward();
                Near.Relative(full(10, 4.0), x.grad!, 1e-6);
                Near.Relative(full(10, 4.0 * (i + 1)), w.grad!, 1e-6);
            }
        });
    }

    private static Tensor Scaled(Tensor x, Tensor w) => Differentiable.Attach(Product(x, w), [x, w], [x, w], (node, gradients) =>
        [node.Needs(0) ? gradients[0]! * node.Saved[1]! : null, node.Needs(1) ? ToShape(gradients[0]! * node.Saved[0]!, node.Saved[1]!) : null]);

    private static Tensor ToShape(Tensor gradient, Tensor of) => gradient.dim() == of.dim() ? gradient : gradient.sum([0L]);

    private static Tensor Product(Tensor x, Tensor w)
    {
        using IDisposable plain = no_grad();
        return x * w;
    }
}
