using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

public class HeadRotationTests
{
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData("bf16", "bf16", 128, 16, 8, 1e-2)]
    [InlineData("bf16", "f32", 64, 4, 2, 1e-2)]
    [InlineData("bf16", "bf16", 64, 3, 3, 1e-2)]
    [InlineData("bf16", "f32", 128, 5, 1, 1e-2)]
    [InlineData("f32", "f32", 64, 4, 2, 1e-4)]
    [InlineData("f32", "f32", 128, 2, 1, 1e-4)]
    public void NormAndRotation(string type, string weightType, int size, int heads, int keyHeads, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((long batch, long length) in ((long, long)[])[(1, 1), (2, 33), (3, FusedCheck.Many(300))])
        {
            Tensor q = FusedCheck.Values(FusedCheck.Type(type), batch, length, heads, size), k = FusedCheck.Values(q.dtype, batch, length, keyHeads, size);
            Tensor q_w = FusedCheck.Values(FusedCheck.Type(weightType), size), k_w = FusedCheck.Values(q_w.dtype, size);
            foreach (long rows in (long[])[1, batch])
            {
                (Tensor cosine, Tensor sine) = Angles(rows, length, size);
                Compare([q, k, q_w, k_w], cosine, sine, tolerance, transposed: false);
                Compare([q, k, q_w, k_w], cosine, sine, tolerance, transposed: true);
                Compare([q, k, null, null], cosine, sine, tolerance, transposed: true);
            }

            Compare([q, k, q_w, k_w], null, null, tolerance, transposed: false);
        }
    }

    [Theory]
    [InlineData("bf16", "bf16", 128, 16, 8, 1e-2)]
    [InlineData("bf16", "f32", 64, 4, 2, 1e-2)]
    [InlineData("f32", "f32", 64, 4, 2, 1e-4)]
    public void QueriesMayBeScaled(string type, string weightType, int size, int heads, int keyHeads, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        (long batch, long length) = (3, FusedCheck.Many(300));
        Tensor q = FusedCheck.Values(FusedCheck.Type(type), batch, length, heads, size), k = FusedCheck.Values(q.dtype, batch, length, keyHeads, size);
        Tensor q_w = FusedCheck.Values(FusedCheck.Type(weightType), size), k_w = FusedCheck.Values(q_w.dtype, size);
        (Tensor cosine, Tensor sine) = Angles(1, length, size);
        foreach ((long rows, long tokens) in ((long, long)[])[(1, 1), (1, length), (batch, 1), (batch, length)])
        {
            // A part of a longer table, whose rows do not follow one another.
            Tensor factor = (rand([rows, tokens + 3, 1, 1], ScalarType.Float32, FusedCheck.Device) + 0.5).narrow(1, 1, tokens);
            foreach (bool normed in (bool[])[true, false])
            {
                Tensor? qWeight = normed ? q_w : null, kWeight = normed ? k_w : null;
                Assert.True(HeadRotation.Scales(factor, q, k, qWeight, kWeight));
                Tensor[] scaled = Rotated([q, k, qWeight, kWeight], cosine, sine, factor), unscaled = Rotated([q, k, qWeight, kWeight], cosine, sine);
                (Tensor Q, Tensor K) exact = HeadRotation.Plain(Wide(q)!, Wide(k)!, Wide(qWeight), Wide(kWeight), Epsilon, Wide(cosine), Wide(sine), Wide(factor));
                Near.Relative(exact.Q, scaled[0], FusedCheck.Device.type == DeviceType.CUDA ? tolerance : 2 * tolerance);
                Assert.True(scaled[1].equal(unscaled[1]).all().item<bool>());
            }
        }
    }

    [Fact]
    public void QueriesThatWantAGradientAreNotScaled()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor q = FusedCheck.Values(ScalarType.BFloat16, 1, 2, 2, 64).requires_grad_(true), k = FusedCheck.Values(ScalarType.BFloat16, 1, 2, 2, 64), factor = ones([1, 1, 1, 1], ScalarType.Float32, FusedCheck.Device);
        Assert.False(HeadRotation.Scales(factor, q, k, null, null));
        Assert.True(HeadRotation.Scales(factor, k, k, null, null));
    }

    [Fact]
    public void AnOutputThatIsNotUsed()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor q = FusedCheck.Values(ScalarType.BFloat16, 1, 9, 2, 64).requires_grad_(true), k = FusedCheck.Values(ScalarType.BFloat16, 1, 9, 1, 64).requires_grad_(true);
        (Tensor cosine, Tensor sine) = Angles(1, 9, 64);
        HeadRotation.Forward(q, k, null, null, Epsilon, cosine, sine).K.sum().backward();
        Assert.Equal(0f, q.grad!.to_type(ScalarType.Float32).abs().max().item<float>());
        Assert.True(k.grad!.to_type(ScalarType.Float32).abs().max().item<float>() > 0);
    }

    [Fact]
    public void OddHeadSizesGoThePlainWay()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor q = FusedCheck.Values(ScalarType.BFloat16, 1, 2, 2, 48), w = FusedCheck.Values(ScalarType.BFloat16, 48);
        Assert.False(HeadRotation.Serves(q, q, w, w, null));
        Tensor r = FusedCheck.Values(ScalarType.BFloat16, 1, 2, 2, 64), v = FusedCheck.Values(ScalarType.BFloat16, 64);
        Assert.False(HeadRotation.Serves(r, r, v, null, null));
        Assert.False(HeadRotation.Serves(r, r, null, null, null));
    }

    private static void Compare(Tensor?[] inputs, Tensor? cosine, Tensor? sine, double tolerance, bool transposed)
    {
        (Tensor? wide_cosine, Tensor? wide_sine) = (cosine?.to_type(ScalarType.Float64), sine?.to_type(ScalarType.Float64));
        FusedCheck.Agree(
            given => Rotated(given, cosine, sine),
            exact => Both(HeadRotation.Plain(exact[0]!, exact[1]!, exact[2], exact[3], Epsilon, wide_cosine, wide_sine)),
            inputs,
            tolerance,
            transposed ? gradient => gradient.transpose(1, 2).contiguous().transpose(1, 2) : null);
    }

    private static Tensor? Wide(Tensor? x) => x?.to_type(ScalarType.Float64);

    private static Tensor[] Rotated(Tensor?[] given, Tensor? cosine, Tensor? sine, Tensor? factor = null)
    {
        (Tensor q, Tensor k, Tensor? q_w, Tensor? k_w) = (given[0]!, given[1]!, given[2], given[3]);
        bool serves = HeadRotation.Serves(q, k, q_w, k_w, cosine);
        Assert.Equal(FusedCheck.Device.type == DeviceType.CUDA, serves);
        return Both(serves
            ? HeadRotation.Forward(q, k, q_w, k_w, Epsilon, cosine, sine, factor)
            : HeadRotation.Plain(q, k, q_w?.to_type(q.dtype), k_w?.to_type(q.dtype), Epsilon, cosine, sine, factor));
    }

    private static Tensor[] Both((Tensor Q, Tensor K) pair) => [pair.Q, pair.K];

    /// <summary>A part of a longer table, as models use it.</summary>
    private static (Tensor Cosine, Tensor Sine) Angles(long batch, long length, int size)
    {
        Tensor half = rand([batch, length + 2, 1, size / 2], ScalarType.Float32, FusedCheck.Device) * 100;
        return (cat([half.cos(), half.cos()], 3).narrow(1, 2, length), cat([-half.sin(), half.sin()], 3).narrow(1, 2, length));
    }
}
