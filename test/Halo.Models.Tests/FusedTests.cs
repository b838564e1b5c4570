using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

/// <summary>The fused operations are chosen on CUDA only; their meaning is checked here on the CPU, where libtorch has them too.</summary>
public sealed class FusedTests
{
    [Fact]
    public void Norm_and_its_gradients_equal_the_plain_operations()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(2);
        Tensor x = randn([3, 5, 16], generator: generator), w = randn([16], generator: generator);
        (Tensor Output, Tensor X, Tensor W) Gradients(Func<Tensor, Tensor, Tensor> norm)
        {
            Tensor leaf = x.detach().clone().requires_grad_(), weight = w.detach().clone().requires_grad_();
            Tensor output = norm(leaf, weight);
            output.sin().sum().backward();
            return (output, leaf.grad!, weight.grad!);
        }

        var expected = Gradients((leaf, weight) => new RmsNorm(new Parameter("w", 16) { Value = weight }, 0.1).Forward(leaf));
        var actual = Gradients((leaf, weight) => Fused.RmsNorm(leaf, weight, 0.1));
        Near.Relative(expected.Output, actual.Output, 1e-6);
        Near.Relative(expected.X, actual.X, 1e-5);
        Near.Relative(expected.W, actual.W, 1e-5);
    }

    [Theory]
    [InlineData(true, 9)]
    [InlineData(false, 1)]
    public void Attention_with_fewer_key_heads_equals_repeated_heads(bool causal, int queries)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(2);
        Tensor q = randn([2, 4, queries, 8], generator: generator), k = randn([2, 2, 9, 8], generator: generator), v = randn([2, 2, 9, 8], generator: generator);
        Tensor scores = matmul(q, HeadGroups.Repeat(k, 1, 2).transpose(-2, -1)) / Math.Sqrt(8);
        if (causal)
        {
            scores = scores.masked_fill(ones([9, 9], ScalarType.Bool).triu(1), double.NegativeInfinity);
        }

        Near.Relative(matmul(scores.softmax(-1), HeadGroups.Repeat(v, 1, 2)), Fused.Attention(q, k, v, causal), 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2e-5)]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    public void Parts_of_attention_join_to_the_whole(ScalarType type, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(3);
        Tensor Make(params long[] shape) => randn(shape, generator: generator).to_type(type);
        Tensor q = Make(2, 4, 7, 16), k = Make(2, 4, 7, 16), v = Make(2, 4, 7, 16);
        Assert.True(AttentionPart.Has(q) && AttentionPart.KnowsCudnn);
        (Tensor o1, Tensor l1) = AttentionPart.Of(q, k.narrow(2, 0, 3), v.narrow(2, 0, 3), false);
        (Tensor o2, Tensor l2) = AttentionPart.Of(q, k.narrow(2, 3, 4), v.narrow(2, 3, 4), false);
        Tensor share = (l2 - l1).sigmoid().unsqueeze(-1);
        Near.Relative(nn.functional.scaled_dot_product_attention(q, k, v).to_type(ScalarType.Float32), (o1 * (1 - share)) + (o2 * share), tolerance);
    }

    [Theory]
    [InlineData(40, false)]
    [InlineData(40, true)]
    [InlineData(4096, true)]
    public void Parts_of_attention_read_fewer_key_heads(int length, bool causal)
    {
        using DisposeScope scope = NewDisposeScope();
        bool onCard = cuda.is_available();
        (Device device, ScalarType type, int tokens) = onCard ? (CUDA, ScalarType.BFloat16, length) : (CPU, ScalarType.Float32, Math.Min(length, 64));
        Tensor Make(long heads) => randn([2, heads, tokens, 64], ScalarType.Float32, device).to_type(type);
        Tensor q = Make(4), k = Make(2), v = Make(2);
        (Tensor o, Tensor sum) = AttentionPart.Of(q, k, v, causal);
        (Tensor expected, Tensor expectedSum) = AttentionPart.Of(q, HeadGroups.Repeat(k, 1, 2), HeadGroups.Repeat(v, 1, 2), causal);
        Near.Relative(expected.to_type(ScalarType.Float32), o.to_type(ScalarType.Float32), onCard ? 2e-2 : 1e-6);
        Near.Relative(expectedSum, sum, onCard ? 1e-3 : 1e-6);
    }
}
