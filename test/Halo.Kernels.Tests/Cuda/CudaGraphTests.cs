using Halo.Core;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests.Cuda;

[Collection("switch")]
public class CudaGraphTests
{
    private static readonly CudaKernel Probe = CudaKernel.Get("probe.cu", "probe_add");

    [Fact]
    public void WhatWasRecordedIsReplayedInItsOrder()
    {
        Gpu.Need();
        Assert.True(CudaGraph.CanRecord);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = zeros(5000, device: CUDA), y = zeros(5000, device: CUDA);
        void Step()
        {
            Probe.Launch(20, 256, 0, x, y, 5000L, 1f);
            Probe.LaunchAhead(20, 256, 0, y, x, 5000L, 2f);
        }

        Step();
        nint before = CudaStreams.Current(0);
        using CudaGraph graph = CudaGraph.Record(0, Step);
        Assert.Equal(before, CudaStreams.Current(0));
        Assert.Equal(3f, x.max().item<float>()); // Recording runs nothing.
        for (int i = 0; i < 50; i++)
        {
            graph.Launch();
        }

        x.add_(0.5); // Behind all of them.
        Assert.Equal((153.5f, 153.5f), (x.min().item<float>(), x.max().item<float>()));
        graph.Dispose();
        Assert.Throws<ObjectDisposedException>(graph.Launch);
    }

    [Fact]
    public void ARecordingThatFailsLeavesTheCardAsItWas()
    {
        Gpu.Need();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = zeros(100, device: CUDA), y = zeros(100, device: CUDA);
        Probe.Launch(1, 128, 0, x, y, 100L, 1f);
        Assert.Throws<HaloException>(() => CudaGraph.Record(0, () => Probe.Launch(1, 4096, 0, x, y, 100L, 1f)));
        Assert.Throws<InvalidOperationException>(() => CudaGraph.Record(0, () => throw new InvalidOperationException()));
        Probe.Launch(1, 128, 0, y, x, 100L, 1f);
        Assert.Equal(2f, x.add(0).max().item<float>());
        using CudaGraph graph = CudaGraph.Record(0, () => Probe.Launch(1, 128, 0, x, y, 100L, 1f));
        graph.Launch();
        Assert.Equal(3f, y.min().item<float>());
    }
}
