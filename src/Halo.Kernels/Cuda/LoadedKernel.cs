using System.Collections.Concurrent;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>A kernel on a card, with what the card allows it.</summary>
internal sealed unsafe class LoadedKernel
{
    private const int FreeSharedBytes = 48 << 10;
    private static readonly ConcurrentDictionary<string, Lazy<nint>> Modules = new();
    private readonly string _source;
    private readonly string _entry;
    private readonly string _device;
    private readonly KernelLimits _limits;
    private int _sharedBytes = FreeSharedBytes;

    private LoadedKernel(string source, string entry, CudaDevice device, nint function)
    {
        (_source, _entry, _device, Function) = (source, entry, device.ToString(), function);
        int fixedBytes = Attribute(1);
        _limits = new KernelLimits(Attribute(0), device.MostSharedBytes - fixedBytes, ParameterSizes(function));
        _sharedBytes -= fixedBytes;
    }

    /// <summary>The driver's handle.</summary>
    public nint Function { get; }

    /// <summary>Loads a kernel into the context of the calling thread, which is the card's.</summary>
    public static LoadedKernel Load(string source, string entry, (string Name, string Value)[] defines, CudaDevice device)
    {
        // All kernels of a file lie in one module.
        nint module = Modules.GetOrAdd($"{device.Index} {source} {string.Join(' ', defines)}", _ => new Lazy<nint>(() => LoadModule(source, defines, device))).Value;
        nint function = 0;
        int code = CudaDriver.Function(&function, module, entry);
        return code == 0
            ? new LoadedKernel(source, entry, device, function)
            : throw new HaloException($"{source} has no kernel {entry} ({CudaDriver.Describe(code)})", device.ToString(), "build Halo again");
    }

    /// <summary>Checks a launch against the card and makes room for its shared memory.</summary>
    public void Prepare(KernelGrid grid, int threads, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        if (_limits.Problem(grid, threads, sharedBytes, arguments) is { } problem)
        {
            throw new HaloException($"the CUDA kernel {_entry} {problem}", Describe(_source, _device, grid, threads, sharedBytes, arguments), "set HALO_KERNELS=plain to go without kernels, and report the shapes");
        }

        if (sharedBytes > _sharedBytes)
        {
            CudaDevice.Check(CudaDriver.SetFunctionAttribute(Function, 8, sharedBytes), "cuFuncSetAttribute");
            _sharedBytes = sharedBytes;
        }
    }

    /// <summary>A launch in words.</summary>
    public static string Describe(string source, string device, KernelGrid grid, int threads, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        string[] values = new string[arguments.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = arguments[i].ToString();
        }

        return $"{source} on {device}, {grid} blocks of {threads} threads, {sharedBytes} bytes of shared memory; arguments: {string.Join("; ", values)}";
    }

    private static nint LoadModule(string source, (string Name, string Value)[] defines, CudaDevice device)
    {
        int code = TryLoad(CudaKernels.Build.Image(source, defines, device.Capability), out nint module);
        if (code != 0)
        {
            // The kept one may be of another world; a fresh one tells.
            code = TryLoad(CudaKernels.Build.Image(source, defines, device.Capability, again: true), out module);
        }

        return code switch
        {
            0 => module,
            CudaDriver.UnsupportedPtxVersion or CudaDriver.NoBinaryForGpu or CudaDriver.InvalidImage => throw new HaloException(
                $"the driver is too old for what the CUDA compiler makes ({CudaDriver.Describe(code)})", $"{source} on {device}", "update the NVIDIA driver, use a PyTorch for an older CUDA, or set HALO_KERNELS=plain"),
            _ => throw new HaloException($"the kernels of {source} cannot be loaded ({CudaDriver.Describe(code)})", device.ToString(), "set HALO_KERNELS=plain to go without kernels"),
        };
    }

    private static int TryLoad(byte[] image, out nint module)
    {
        nint handle = 0;
        fixed (byte* first = image)
        {
            int code = CudaDriver.LoadModule(&handle, first);
            module = handle;
            return code;
        }
    }

    /// <summary>Bytes of each parameter; null where the driver cannot tell.</summary>
    private static int[]? ParameterSizes(nint function)
    {
        try
        {
            var sizes = new List<int>();
            nuint offset = 0, size = 0;
            while (CudaDriver.ParameterInfo(function, (nuint)sizes.Count, &offset, &size) == 0)
            {
                sizes.Add((int)size);
            }

            return [.. sizes];
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    private int Attribute(int attribute)
    {
        int value = 0;
        CudaDevice.Check(CudaDriver.FunctionAttribute(&value, attribute, Function), "cuFuncGetAttribute");
        return value;
    }
}
