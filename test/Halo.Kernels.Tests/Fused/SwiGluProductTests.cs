using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Fused;

/// <summary>SwiGLU together with its products, on cards of compute capability 9.0.</summary>
public class SwiGluProductTests
{
    [Theory]
    [InlineData(8192, 2048, 6144)]
    [InlineData(4096, 1024, 3072)]
    [InlineData(4100, 192, 4104)] // no whole tiles in any direction
    [InlineData(7000, 72, 3000)]
    public void BothProductsMeet(long rows, long inputs, long outputs)
    {
        Need();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        Tensor x = FusedCheck.Values(ScalarType.BFloat16, 1, rows, inputs), gate = Weight(outputs, inputs), up = Weight(outputs, inputs);
        Assert.True(SwiGluProduct.Serves(x, outputs));
        Tensor y = SwiGluProduct.Forward(x, gate, up);
        Assert.Equal([1, rows, outputs], y.shape);

        // Some rows of each part, and the last ones.
        long[] some = [.. Enumerable.Range(0, 300).Select(i => i * rows / 300), .. Enumerable.Range(1, 200).Select(i => rows - i)];
        Tensor chosen = tensor(some, device: CUDA), exact = x[0].index_select(0, chosen).to_type(ScalarType.Float64);
        Tensor expected = SwiGlu.Plain(matmul(exact, gate.to_type(ScalarType.Float64).t()), matmul(exact, up.to_type(ScalarType.Float64).t()));
        Near.Relative(expected, y[0].index_select(0, chosen), 4e-3);
        Assert.True(SwiGluProduct.Forward(x, gate, up).equal(y).all().item<bool>());
    }

    [Fact]
    public void PartsOfWiderRowsGiveTheSame()
    {
        Need();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        Tensor wide = FusedCheck.Values(ScalarType.BFloat16, 8192, 200), x = wide.narrow(1, 3, 128), gate = Weight(2048, 128), up = Weight(2048, 128);
        Assert.True(SwiGluProduct.Forward(x, gate, up).equal(SwiGluProduct.Forward(x.contiguous(), gate, up)).all().item<bool>());
    }

    [Fact]
    public void LeavesToTheLibraryWhatItDoesBetter()
    {
        Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = FusedCheck.Values(ScalarType.BFloat16, 8192, 128);
        Assert.False(SwiGluProduct.Serves(x, 2048)); // gradients are on
        using IDisposable constant = no_grad();
        Assert.True(SwiGluProduct.Serves(x, 2048));
        Assert.False(SwiGluProduct.Serves(x, 2052) || SwiGluProduct.Serves(x.narrow(0, 0, 511), 1 << 20) || SwiGluProduct.Serves(x.to_type(ScalarType.Float32), 2048));
        Assert.False(SwiGluProduct.Serves(FusedCheck.Values(ScalarType.BFloat16, 8192, 100), 2048));
    }

    [Fact]
    public void ShareOfTheCardThatIsUsed()
    {
        Assert.Equal(1, SwiGluProduct.UsefulShare(66 * 256, 128, 66), 9);
        Assert.Equal(0.5, SwiGluProduct.UsefulShare(66 * 256, 64, 66), 9);
        Assert.Equal(67.0 / 132, SwiGluProduct.UsefulShare(67 * 256, 128, 66), 9);
        Assert.InRange(SwiGluProduct.UsefulShare(8192, 6144, 66), 0.96, 0.98);
    }

    [Fact]
    public void CallsLeaveNoMemoryBehind()
    {
        Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = FusedCheck.Values(ScalarType.BFloat16, 8192, 128), gate = Weight(2048, 128), up = Weight(2048, 128);
        void Call()
        {
            using DisposeScope inner = NewDisposeScope();
            SwiGluProduct.Forward(x, gate, up);
        }

        Call();
        long tensors = Tensor.TotalCount;
        for (int i = 0; i < 100; i++)
        {
            Call();
        }

        Assert.Equal(tensors, Tensor.TotalCount);
    }

    private static void Need()
    {
        Gpu.Need();
        Assert.SkipUnless(CudaDevice.Current.Capability == 90, "a card of compute capability 9.0 is needed");
    }

    private static Tensor Weight(long outputs, long inputs) => (randn(outputs, inputs, device: CUDA) / Math.Sqrt(inputs)).to_type(ScalarType.BFloat16);
}
