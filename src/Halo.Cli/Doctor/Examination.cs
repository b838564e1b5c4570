using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Halo.Core;
using Halo.Kernels.Cuda;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Cli.Doctor;

/// <summary>Looks at the machine, one finding after the other; a check that fails is a finding too.</summary>
internal static class Examination
{
    private const string UseTorchWithCuda = "install PyTorch with CUDA and set HALO_LIBTORCH to its torch/lib folder";

    /// <summary>All findings; libtorch comes before what needs it.</summary>
    public static IEnumerable<Finding> Run()
    {
        yield return System();
        yield return Cores();
        yield return Memory();
        yield return Disk(Environment.CurrentDirectory);
        yield return Globalization();
        yield return Shipped();
        HaloException? failure = Start();
        yield return Torch(failure);
        yield return Shim(failure);
        yield return Cpu(failure);
        CudaDescription? driver = SystemProbe.Cuda();
        yield return Driver(driver);
        yield return Gpu(failure, driver);
        yield return Library("nvrtc", "compiles kernels on the GPU", SystemProbe.Nvrtc());
        yield return Kernels(failure);
        yield return Library("cudnn", "is loaded by libtorch with CUDA", SystemProbe.Cudnn());
        yield return Library("nccl", "lets several GPUs work together", SystemProbe.Nccl());
    }

    private static Finding System() => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
        ? new("system", Finding.Ok, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}")
        : new("system", Finding.Broken, $"{RuntimeInformation.OSDescription} on {RuntimeInformation.ProcessArchitecture}", null, "use Linux on x64");

    private static Finding Cores() =>
        new("cores", Finding.Ok, $"{Environment.ProcessorCount}, {(Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "without AVX2: slow")}");

    private static Finding Memory()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        long free = File.Exists("/proc/meminfo")
            ? File.ReadLines("/proc/meminfo").Where(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)).Select(Kibibytes).FirstOrDefault(limit)
            : limit;
        return new("memory", Finding.Ok, $"{Gibibytes(Math.Min(free, limit))} free of {Gibibytes(limit)}");
    }

    private static long Kibibytes(string line) => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;

    private static Finding Disk(string folder)
    {
        var drive = new DriveInfo(folder);
        return new("disk", Finding.Ok, $"{Gibibytes(drive.AvailableFreeSpace)} free of {Gibibytes(drive.TotalSize)}", folder);
    }

    private static Finding Globalization()
    {
        bool invariant = AppContext.TryGetSwitch("System.Globalization.Invariant", out bool value) && value
            || Environment.GetEnvironmentVariable("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT") is "1" or "true";
        return new("icu", Finding.Ok, invariant ? "not used (invariant globalization); Halo's tokenizers and templates do without it" : $"found, collation version {CultureInfo.InvariantCulture.CompareInfo.Version.FullVersion:x}");
    }

    private static Finding Shipped() => HaloHome.TryPath("recipes") is { } recipes
        ? new("recipes", Finding.Ok, "found", recipes)
        : new("recipes", Finding.Absent, "not found", null, "run halo from a checkout or set HALO_HOME to one; recipes given as files work without");

    private static HaloException? Start()
    {
        try
        {
            LibTorch.Initialize();
            return null;
        }
        catch (HaloException error)
        {
            return error;
        }
    }

    private static Finding Torch(HaloException? failure)
    {
        LibTorchDescription found = SystemProbe.LibTorch();
        return failure is null
            ? new("libtorch", Finding.Ok, $"{found.Version ?? "of unknown version"}, {(found.HasCuda ? "with CUDA" : "CPU only")}", found.Folder)
            : new("libtorch", Finding.Broken, failure.What, found.Folder ?? string.Join(", ", found.Searched), failure.Remedy);
    }

    private static Finding Shim(HaloException? failure)
    {
        LibTorchDescription found = SystemProbe.LibTorch();
        return found.Shim is { } path
            ? new("torchsharp", Finding.Ok, found.ShimMended ? "loaded from a copy mended for older systems" : "loaded as it came", path)
            : new("torchsharp", Finding.Broken, "not loaded", null, failure?.Remedy ?? "build Halo again");
    }

    private static Finding Cpu(HaloException? failure) => failure is null ? Compute("cpu", CPU) : new("cpu", Finding.Broken, "libtorch is needed", null, failure.Remedy);

    private static Finding Driver(CudaDescription? driver) => driver is null
        ? new("cuda driver", Finding.Absent, "none", null, "for a GPU install NVIDIA's driver (nvidia-smi shows it); in a container, pass the GPUs through")
        : new("cuda driver", Finding.Ok, $"CUDA {driver.DriverVersion}; {string.Join("; ", driver.Devices.Select((device, index) => $"cuda:{index} {device.Name}, {Gibibytes(device.MemoryBytes)}, {device.ComputeCapability}"))}");

    private static Finding Gpu(HaloException? failure, CudaDescription? driver)
    {
        if (driver is null || driver.Devices.Count == 0)
        {
            return new("gpu", Finding.Absent, "none that the driver sees", null, "--device cpu works without");
        }

        if (failure is not null || !SystemProbe.LibTorch().HasCuda)
        {
            return new("gpu", Finding.Absent, "this libtorch is for the CPU only", SystemProbe.LibTorch().Folder, UseTorchWithCuda);
        }

        return cuda.is_available()
            ? Compute("gpu", new Device(DeviceType.CUDA, 0))
            : new("gpu", Finding.Broken, "libtorch cannot use the driver", null, $"the driver supports CUDA {driver.DriverVersion}: use a PyTorch made for that version or an older one");
    }

    /// <summary>A product whose answer is known.</summary>
    private static Finding Compute(string name, Device device)
    {
        try
        {
            using DisposeScope scope = NewDisposeScope();
            const int size = 64;
            InitializeDeviceType(device.type);
            float sum = matmul(ones(size, size, device: device), ones(size, size, device: device)).sum().cpu().item<float>();
            return sum == size * size * size
                ? new(name, Finding.Ok, "computes")
                : new(name, Finding.Broken, $"a product of ones sums to {sum}", null, "this libtorch does not fit this machine; set HALO_LIBTORCH to another");
        }
        catch (Exception error) when (error is ExternalException or InvalidOperationException or TypeInitializationException or DllNotFoundException)
        {
            return new(name, Finding.Broken, error.Message.Split('\n')[0], null, "this libtorch does not fit this machine; set HALO_LIBTORCH to another");
        }
    }

    private static Finding Kernels(HaloException? failure)
    {
        const string Remedy = "without them training and inference on a GPU are slower";
        if (failure is not null || CudaKernels.WhyNot is not null)
        {
            return new("kernels", Finding.Absent, $"not used: {(failure is null ? CudaKernels.WhyNot : "libtorch is needed")}", null, Remedy);
        }

        try
        {
            (bool works, string text) = CudaKernels.Examine();
            return new("kernels", works ? Finding.Ok : Finding.Broken, text, null, works ? null : "set HALO_KERNELS=plain");
        }
        catch (Exception error) when (error is HaloException or ExternalException)
        {
            return new("kernels", Finding.Broken, error.Message.Split('\n')[0], null, "set HALO_KERNELS=plain");
        }
    }

    private static Finding Library(string name, string use, NativeLibraryDescription? found) => found is null
        ? new(name, Finding.Absent, $"none; it {use}", null, UseTorchWithCuda)
        : new(name, found.Version is null ? Finding.Broken : Finding.Ok, found.Version ?? "cannot be loaded", found.Path, found.Version is null ? UseTorchWithCuda : null);

    private static string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");
}
