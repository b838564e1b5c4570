using System.Globalization;
using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Cuda;

/// <summary>
/// Whether Halo's own CUDA kernels are used. They are compiled by NVRTC at their first use and kept on disk. Without them the same
/// computation runs as plain tensor operations. The environment variable HALO_KERNELS: <c>plain</c> goes without them; <c>check</c> waits
/// after each launch, so that a failure names its kernel.
/// </summary>
public static unsafe class CudaKernels
{
    private const int LeastCapability = 80;
    private static readonly string Mode = Environment.GetEnvironmentVariable("HALO_KERNELS") ?? "";
    private static readonly Lazy<(KernelBuild? Build, string? WhyNot)> Found = new(Probe);

    /// <summary>Whether kernels may be used; false runs plain tensor operations. HALO_KERNELS=plain starts with false.</summary>
    public static bool Enabled { get; set; } = Mode != "plain";

    /// <summary>Why kernels are not used on this machine; null if they are.</summary>
    public static string? WhyNot => Enabled ? Found.Value.WhyNot : Mode == "plain" ? "switched off by HALO_KERNELS=plain" : "switched off";

    /// <summary>Whether to wait after each launch.</summary>
    internal static bool Checked { get; set; } = Mode == "check";

    /// <summary>The builder of kernels.</summary>
    /// <exception cref="HaloException">There is no compiler or driver.</exception>
    internal static KernelBuild Build => Found.Value.Build ?? throw new HaloException("CUDA kernels cannot be used: " + Found.Value.WhyNot, null, "set HALO_KERNELS=plain");

    /// <summary>Whether a tensor's card runs the kernels.</summary>
    internal static bool Serve(Tensor x) =>
        Enabled && x.device_type == DeviceType.CUDA && Found.Value.WhyNot is null && CudaDevice.Of(x.device_index).Capability >= LeastCapability;

    /// <summary>The kernel library in one sentence, for <c>halo doctor</c>; compiles and runs a small kernel.</summary>
    /// <returns>True and what was found, or false and what is missing.</returns>
    internal static (bool Works, string Text) Examine()
    {
        if (WhyNot is { } reason)
        {
            return (false, reason);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(1000, ScalarType.Float32, CUDA), y = empty_like(x);
        CudaKernel.Get("probe.cu", "probe_add").Launch(4, 256, 0, x, y, 1000L, 0.5f);
        bool right = (y - x - 0.5).abs().max().item<float>() == 0;
        return (right, right ? $"compiled for {Build.Architecture(CudaDevice.Of(0).Capability)}, kept in {KernelCache.DefaultFolder}" : "a kernel gave a wrong result");
    }

    private static (KernelBuild? Build, string? WhyNot) Probe()
    {
        try
        {
            int version = 0, count = 0;
            if (!OperatingSystem.IsLinux())
            {
                return (null, "kernels are compiled on Linux only");
            }

            int code = CudaDriver.Initialize(0);
            if (code != 0 || CudaDriver.Version(&version) != 0 || CudaDriver.DeviceCount(&count) != 0 || count == 0)
            {
                return (null, code != 0 ? $"the CUDA driver does not start ({CudaDriver.Describe(code)})" : "the CUDA driver sees no card");
            }

            if (LibTorch.Folder is not null && !cuda.is_available())
            {
                return (null, "this libtorch cannot use CUDA");
            }

            (NvrtcCompiler? compiler, string? reason) = NvrtcCompiler.Find();
            if (compiler is null)
            {
                return (null, reason);
            }

            CudaDevice first = CudaDevice.Of(0);
            return first.Capability < LeastCapability
                ? (null, $"{first} is too old; the kernels need compute capability {LeastCapability / 10}.0")
                : (new KernelBuild(compiler, new KernelCache(KernelCache.DefaultFolder), string.Create(CultureInfo.InvariantCulture, $"{version / 1000}.{version % 1000 / 10}")), null);
        }
        catch (DllNotFoundException)
        {
            return (null, "there is no CUDA driver (libcuda.so.1)");
        }
        catch (Exception error) when (error is HaloException or EntryPointNotFoundException)
        {
            return (null, error.Message.Split('\n')[0]);
        }
    }
}
