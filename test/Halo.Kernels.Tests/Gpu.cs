using Halo.Kernels.Cuda;

namespace Halo.Kernels.Tests;

/// <summary>For tests that need a card: they are skipped, visibly, where there is none.</summary>
internal static class Gpu
{
    public static void Need() => Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
}
