using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Cuda;

public class KernelArgumentTests
{
    [Fact]
    public void NumbersArePackedWithTheirSizes()
    {
        Check(-5, 4, 0xfffffffbL, "-5");
        Check(-5L, 8, -5L, "-5");
        Check(1.5f, 4, 0x3fc00000L, "1.5");
        Check(-0f, 4, 0x80000000L, "-0");
        Check(KernelArgument.Null, 8, 0, "null");
        Check((Tensor?)null, 8, 0, "null");
        Check(KernelArgument.Pointer(0x1234), 8, 0x1234, "0x1234");
    }

    [Fact]
    public void ATensorGivesItsFirstElement()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(24, ScalarType.Float32).view(4, 6);
        Tensor part = x.narrow(0, 2, 2).narrow(1, 3, 2);
        Assert.Equal(x.storage<float>().data_ptr(), (nint)((KernelArgument)x).Bits);
        Assert.Equal(((KernelArgument)x).Bits + (15 * sizeof(float)), ((KernelArgument)part).Bits);
        Assert.Equal("Float32(2, 2)", ((KernelArgument)part).ToString());
        Assert.Equal(8, ((KernelArgument)part).Size);
    }

    [Fact]
    public void LimitsAreToldInWords()
    {
        var limits = new KernelLimits(512, 1000, [8, 8, 4]);
        Assert.Null(limits.Problem(1, 512, 1000, [KernelArgument.Null, 1L, 1]));
        Assert.Contains("0 x 1 x 1", limits.Problem(0, 1, 0, []));
        Assert.Contains("1 x 65536 x 1", limits.Problem(new(1, 65536), 1, 0, []));
        Assert.Contains("513 threads a block: 1 to 512", limits.Problem(1, 513, 0, []));
        Assert.Contains("needs 1001 bytes of shared memory a block; this card has 1000", limits.Problem(1, 1, 1001, []));
        Assert.Contains("takes 3 arguments, not 2", limits.Problem(1, 1, 0, [1L, 1L]));
        Assert.Contains("takes 4 bytes as argument 3, not 8", limits.Problem(1, 1, 0, [1L, 1L, 1L]));
        Assert.Null((limits with { ParameterSizes = null }).Problem(1, 1, 0, [1]));
    }

    [Fact]
    public void ALaunchIsDescribedWithItsShapes()
    {
        using Tensor x = zeros(3, 5, dtype: ScalarType.BFloat16);
        string text = LoadedKernel.Describe("norms.cu", "cuda:0 Card (9.0)", new(2, 3), 128, 64, [x, 7, 0.5f, KernelArgument.Null]);
        Assert.Equal("norms.cu on cuda:0 Card (9.0), 2 x 3 x 1 blocks of 128 threads, 64 bytes of shared memory; arguments: BFloat16(3, 5); 7; 0.5; null", text);
    }

    private static void Check(KernelArgument argument, int size, long bits, string text)
    {
        Assert.Equal((size, bits, text), (argument.Size, argument.Bits, argument.ToString()));
    }
}
