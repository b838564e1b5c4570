using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

public class AttentionJoinTests
{
    [Theory]
    [InlineData("bf16", 128, 16, 8, 1e-2)]
    [InlineData("bf16", 64, 6, 2, 1e-2)]
    [InlineData("bf16", 256, 2, 1, 1e-2)]
    [InlineData("f32", 128, 3, 3, 1e-5)]
    [InlineData("f32", 64, 4, 1, 1e-5)]
    public void PiecesGiveTheWhole(string type, int size, int heads, int keyHeads, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        foreach ((long batch, long length) in ((long, long)[])[(1, 1), (2, 33), (2, FusedCheck.Many(1000))])
        {
            foreach (bool transposed in (bool[])[false, true])
            {
                Tensor o = Laid(transposed, FusedCheck.Type(type), batch, heads, length, size), piece = Laid(transposed, o.dtype, batch, keyHeads, heads / keyHeads * length, size);
                Tensor sum = randn([batch, heads, length], ScalarType.Float32, FusedCheck.Device) * 5, pieceSum = randn([batch, keyHeads, heads / keyHeads * length], ScalarType.Float32, FusedCheck.Device) * 5;
                (Tensor expected, Tensor expectedSum) = Exact(o, sum, piece, pieceSum);
                Assert.Equal(FusedCheck.Device.type == DeviceType.CUDA, AttentionJoin.Serves(o, sum, piece, pieceSum));
                AttentionJoin.Apply(o, sum, piece, pieceSum);
                Near.Relative(expected, o, tolerance);
                Near.Relative(expectedSum, sum, 1e-6);
            }
        }
    }

    [Fact]
    public void FarApartSumsLeaveTheGreaterOne()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        Tensor o = Laid(false, ScalarType.BFloat16, 1, 1, 2, 64), piece = Laid(false, ScalarType.BFloat16, 1, 1, 2, 64);
        Tensor sum = tensor((float[])[-300, 300], device: FusedCheck.Device).view(1, 1, 2), pieceSum = -sum;
        Tensor expected = cat([piece.narrow(2, 0, 1), o.narrow(2, 1, 1)], 2);
        AttentionJoin.Apply(o, sum, piece, pieceSum);
        Near.Relative(expected.to_type(ScalarType.Float32), o.to_type(ScalarType.Float32), 1e-2);
        Near.Relative(full([1, 1, 2], 300f, device: FusedCheck.Device), sum, 1e-6);
    }

    [Fact]
    public void OddLayoutsGoThePlainWay()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = zeros([1, 2, 4], ScalarType.Float32, FusedCheck.Device);
        Tensor o = Laid(false, ScalarType.BFloat16, 1, 2, 4, 64), odd = Laid(false, ScalarType.BFloat16, 1, 2, 4, 48);
        Assert.False(AttentionJoin.Serves(odd, sum, odd, sum));
        Assert.False(AttentionJoin.Serves(o.transpose(2, 3).contiguous().transpose(2, 3), sum, o, sum));
        Assert.False(AttentionJoin.Serves(o, sum.transpose(1, 2).contiguous().transpose(1, 2), o, sum));
        Assert.False(AttentionJoin.Serves(o, sum, o.to_type(ScalarType.Float32), sum));
    }

    private static (Tensor O, Tensor Sum) Exact(Tensor o, Tensor sum, Tensor piece, Tensor pieceSum)
    {
        Tensor wide = o.to_type(ScalarType.Float64), first = sum.to_type(ScalarType.Float64), second = pieceSum.to_type(ScalarType.Float64).view(sum.shape);
        Tensor all = logaddexp(first, second);
        return (wide * (first - all).exp().unsqueeze(3) + piece.to_type(ScalarType.Float64).reshape(o.shape) * (second - all).exp().unsqueeze(3), all);
    }

    /// <summary>(batch, heads, tokens, size) as attention gives it: contiguous, or with the heads of a token side by side.</summary>
    private static Tensor Laid(bool transposed, ScalarType type, long batch, long heads, long tokens, long size) =>
        transposed ? FusedCheck.Values(type, batch, tokens, heads, size).transpose(1, 2) : FusedCheck.Values(type, batch, heads, tokens, size);
}
