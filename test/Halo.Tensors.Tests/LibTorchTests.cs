using Halo.Core;
using TorchSharp;

namespace Halo.Tensors.Tests;

public class LibTorchTests
{
    [Fact]
    public void LibTorchComputes()
    {
        LibTorch.Initialize();
        using var scope = torch.NewDisposeScope();
        Assert.Equal(6.0f, torch.ones(2, 3).sum().item<float>());
        Assert.True(File.Exists(Path.Combine(LibTorch.Folder!, "libtorch_cpu.so")));
    }

    [Fact]
    public void AMissingGpuIsAClearError()
    {
        LibTorch.Initialize();
        Assert.SkipWhen(torch.cuda.is_available(), "this machine has a GPU");
        var error = Assert.Throws<HaloException>(() => LibTorch.Device("cuda"));
        Assert.Contains("HALO_LIBTORCH", error.Remedy);
    }

    [Fact]
    public void UnknownNamesAreRefused()
    {
        Assert.Throws<HaloException>(() => LibTorch.Device("tpu"));
        Assert.Throws<HaloException>(() => LibTorch.ParseType("float"));
    }

    [Fact]
    public void AScalarThatWasFreedIsStillThereForWhoeverReadsIt()
    {
        LibTorch.Initialize();
        var scalar = (Scalar)2.5;
        nint address = (nint)typeof(Scalar).GetProperty("Handle", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public)!.GetValue(scalar)!;
        long Bits() => System.Runtime.InteropServices.Marshal.ReadInt64(address + 16);
        Assert.Equal(BitConverter.DoubleToInt64Bits(2.5), Bits());
        scalar.Dispose();
        for (int i = 0; i < 1000; i++)
        {
            ((Scalar)(double)i).Dispose(); // Without the detour the first of them takes its memory.
        }

        Assert.Equal(BitConverter.DoubleToInt64Bits(2.5), Bits());
    }
}
