using Halo.Core;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Cuda;

[Collection("switch")]
public class CudaKernelTests
{
    private static readonly CudaKernel Probe = CudaKernel.Get("probe.cu", "probe_add");

    [Fact]
    public void PlainTurnsThemOff()
    {
        bool before = CudaKernels.Enabled;
        try
        {
            using Tensor x = zeros(1);
            Assert.False(CudaKernels.Serve(x));
            CudaKernels.Enabled = false;
            Assert.False(CudaKernels.Serve(x));
            Assert.Contains("switched off", CudaKernels.WhyNot);
        }
        finally
        {
            CudaKernels.Enabled = before;
        }
    }

    [Fact]
    public void WithoutACardTheReasonIsTold()
    {
        Assert.SkipWhen(cuda.is_available(), "there is a card");
        Assert.Matches("driver|card|libtorch|HALO_KERNELS=plain", CudaKernels.WhyNot);
        Assert.Throws<HaloException>(() => CudaKernels.Build);
    }

    [Fact]
    public void AKernelComputes()
    {
        Gpu.Need();
        Assert.True(CudaStreams.CanSet);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(3, 700, device: CUDA), y = zeros_like(x);
        Probe.Launch(6, 128, 0, x.narrow(0, 1, 2).view(-1), y.narrow(0, 1, 2), 700L, 2.5f);
        Assert.Equal(700.0, (y[1] == x[1] + 2.5).sum().item<long>());
        Assert.Equal(0f, y[0].abs().sum().item<float>() + y[2].abs().sum().item<float>());
        (bool works, string text) = CudaKernels.Examine();
        Assert.True(works, text);
    }

    [Fact]
    public void AllKernelsCompile()
    {
        Gpu.Need();
        var failures = new List<string>();
        int capability = CudaDevice.Of(0).Capability;
        foreach (CudaKernel kernel in KernelSourcesTests.Kernels().DistinctBy(kernel => $"{kernel.Source} {string.Join(' ', kernel.Defines)}"))
        {
            try
            {
                CudaKernels.Build.Image(kernel.Source, kernel.Defines, capability);
            }
            catch (HaloException error)
            {
                failures.Add(error.Message);
            }
        }

        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    [Fact]
    public void RunsOnTheStreamThatLibtorchUses()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = zeros(1 << 20, device: CUDA), y = zeros(1 << 20, device: CUDA);
        nint stream = CudaStreams.Create(CudaDevice.Of(0));
        cuda.synchronize();
        nint before = CudaStreams.Current(0);
        using (CudaStreams.Use(stream, 0))
        {
            Assert.Equal(stream, CudaStreams.Current(0));
            for (int i = 0; i < 20; i++)
            {
                x.add_(1);
                Probe.Launch((1 << 20) / 256, 256, 0, x, y, 1L << 20, 1f);
            }

            Assert.Equal(21f, y.min().item<float>());
        }

        Assert.Equal(before, CudaStreams.Current(0));
        cuda.synchronize();
        CudaStreams.Destroy(stream);
    }

    [Fact]
    public void RunsOnOtherThreads()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(1000, device: CUDA), y = zeros(1000, device: CUDA);
        cuda.synchronize();
        var thread = new Thread(() => Probe.Launch(4, 256, 0, x, y, 1000L, 1f));
        thread.Start();
        thread.Join();
        cuda.synchronize();
        Assert.Equal(2f, y.min().item<float>());
    }

    [Fact]
    public void WrongLaunchesAreToldBeforeTheyRun()
    {
        Gpu.Need();
        using Tensor x = zeros(4, device: CUDA);
        Assert.Contains("takes 4 arguments, not 2", Assert.Throws<HaloException>(() => Probe.Launch(1, 32, 0, x, x)).Message);
        Assert.Contains("takes 8 bytes as argument 3, not 4", Assert.Throws<HaloException>(() => Probe.Launch(1, 32, 0, x, x, 4, 1f)).Message);
        Assert.Contains("shared memory", Assert.Throws<HaloException>(() => Probe.Launch(1, 32, 1 << 20, x, x, 4L, 1f)).Message);
        Assert.Contains("threads a block", Assert.Throws<HaloException>(() => Probe.Launch(1, 2048, 0, x, x, 4L, 1f)).Message);
        Probe.Launch(0, 32, 0, x, x, 4L, 1f);
        Probe.Launch(1, 32, 200 << 10, x, x, 4L, 1f);
        Assert.Equal(1f, x.min().item<float>());
        Assert.InRange(Probe.BlocksPerMultiprocessor(256, 0), 1, 64);
        Assert.Contains("has no kernel nothing", Assert.Throws<HaloException>(() => CudaKernel.Get("probe.cu", "nothing").Launch(1, 32, 0, x)).Message);
    }

    [Fact]
    public void CompilerErrorsAreTold()
    {
        Gpu.Need();
        var error = Assert.Throws<HaloException>(() => CudaKernels.Build.Image("wrong.cu", "extern \"C\" __global__ void f() { y = 1; }", [], CudaDevice.Of(0).Capability));
        Assert.Contains("wrong.cu(1)", error.What);
        Assert.Contains("undefined", error.What);
    }

    [Fact]
    public void CheckingWaitsAfterEachLaunch()
    {
        Gpu.Need();
        bool before = CudaKernels.Checked;
        try
        {
            CudaKernels.Checked = true;
            using Tensor x = zeros(4, device: CUDA);
            Probe.Launch(1, 32, 0, x, x, 4L, 1f);
            Assert.Equal(1f, x.max().item<float>());
        }
        finally
        {
            CudaKernels.Checked = before;
        }
    }
}
