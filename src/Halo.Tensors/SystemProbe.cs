using System.Runtime.InteropServices;

namespace Halo.Tensors;

/// <summary>Looks at what the machine has for computing, without needing any of it: libtorch, the CUDA driver and CUDA's libraries.</summary>
internal static unsafe class SystemProbe
{
    /// <summary>libtorch as it is or would be loaded.</summary>
    public static LibTorchDescription LibTorch() => NativeLibraries.Describe();

    /// <summary>The CUDA driver and its GPUs; null without a driver or where it does not start.</summary>
    public static CudaDescription? Cuda()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out nint driver))
        {
            return null;
        }

        int version = 0, count = 0;
        if (((delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit"))(0) != 0
            || ((delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDriverGetVersion"))(&version) != 0
            || ((delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount"))(&count) != 0)
        {
            return null;
        }

        var name = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetName");
        var memory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceTotalMem_v2");
        var attribute = (delegate* unmanaged<int*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetAttribute");
        const int Major = 75;
        const int Minor = 76;
        var devices = new List<CudaDeviceDescription>();
        byte* text = stackalloc byte[256];
        for (int device = 0; device < count; device++)
        {
            nuint bytes = 0;
            int major = 0, minor = 0;
            if (name(text, 256, device) == 0 && memory(&bytes, device) == 0 && attribute(&major, Major, device) == 0 && attribute(&minor, Minor, device) == 0)
            {
                devices.Add(new(Marshal.PtrToStringUTF8((nint)text)!, (long)bytes, $"{major}.{minor}"));
            }
        }

        return new($"{version / 1000}.{version % 1000 / 10}", devices);
    }

    /// <summary>NVRTC, which compiles kernels at run time; null if it is not there.</summary>
    public static NativeLibraryDescription? Nvrtc() => Find("libnvrtc.so*", library =>
    {
        int major = 0, minor = 0;
        int code = ((delegate* unmanaged<int*, int*, int>)NativeLibrary.GetExport(library, "nvrtcVersion"))(&major, &minor);
        return code == 0 ? $"{major}.{minor}" : null;
    });

    /// <summary>cuDNN; null if it is not there.</summary>
    public static NativeLibraryDescription? Cudnn() => Find("libcudnn.so*", library =>
    {
        long version = (long)((delegate* unmanaged<nuint>)NativeLibrary.GetExport(library, "cudnnGetVersion"))();
        return version >= 90000 ? $"{version / 10000}.{version / 100 % 100}.{version % 100}" : $"{version / 1000}.{version / 100 % 10}.{version % 100}";
    });

    /// <summary>NCCL; null if it is not there.</summary>
    public static NativeLibraryDescription? Nccl() => Find("libnccl.so*", library =>
    {
        int version = 0;
        int code = ((delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "ncclGetVersion"))(&version);
        return code == 0 ? $"{version / 10000}.{version / 100 % 100}.{version % 100}" : null;
    });

    private static NativeLibraryDescription? Find(string pattern, Func<nint, string?> version)
    {
        string? path = Folders().Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal)).FirstOrDefault();
        if (path is null)
        {
            return null;
        }

        try
        {
            return new(path, NativeLibrary.TryLoad(path, out nint library) ? version(library) : null);
        }
        catch (EntryPointNotFoundException)
        {
            return new(path, null);
        }
    }

    /// <summary>Beside libtorch, where Python's packages put NVIDIA's libraries, the library path, the CUDA toolkit, the system.</summary>
    private static IEnumerable<string> Folders()
    {
        if (LibTorch().Folder is { } torch)
        {
            yield return torch;
            string packages = Path.GetFullPath(Path.Combine(torch, "..", "..", "nvidia"));
            if (Directory.Exists(packages))
            {
                foreach (string package in Directory.EnumerateDirectories(packages).Order(StringComparer.Ordinal))
                {
                    yield return Path.Combine(package, "lib");
                }
            }
        }

        foreach (string folder in (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }

        if (Environment.GetEnvironmentVariable("CUDA_HOME") is { Length: > 0 } toolkit)
        {
            yield return Path.Combine(toolkit, "lib64");
        }

        yield return "/usr/local/cuda/lib64";
        yield return "/usr/lib/x86_64-linux-gnu";
    }
}
