using System.Collections.Concurrent;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>
/// An <c>extern "C"</c> function of a CUDA file. It is compiled and loaded at its first launch on a card; keep the object in a static
/// field. Launches go to libtorch's current stream and return at once.
/// </summary>
internal sealed unsafe class CudaKernel
{
    private const int MostArguments = 64;
    private const int FirstWithAhead = 90;
    private static readonly ConcurrentDictionary<string, CudaKernel> Kernels = new();
    private readonly string _source;
    private readonly string _entry;
    private readonly (string Name, string Value)[] _defines;
    private readonly LoadedKernel?[] _loaded = new LoadedKernel?[64];

    private CudaKernel(string source, string entry, (string Name, string Value)[] defines) => (_source, _entry, _defines) = (source, entry, defines);

    /// <summary>File.</summary>
    public string Source => _source;

    /// <summary>Name of the function.</summary>
    public string Entry => _entry;

    /// <summary>Definitions the file is compiled with.</summary>
    public IReadOnlyList<(string Name, string Value)> Defines => _defines;

    /// <summary>The kernel of a file, a name and definitions; the same object each time.</summary>
    public static CudaKernel Get(string source, string entry, params (string Name, string Value)[] defines) =>
        Kernels.GetOrAdd($"{source} {entry} {string.Join(' ', defines)}", _ => new CudaKernel(source, entry, defines));

    /// <summary>Launches on the device of the first tensor among the arguments (the calling thread's device where there is none).</summary>
    /// <param name="grid">Blocks; nothing happens where one direction has none.</param>
    /// <param name="threads">Threads a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory a block.</param>
    /// <param name="arguments">In the order of the kernel's parameters; tensors give their data, which must be laid out as the kernel expects.</param>
    /// <exception cref="HaloException">It does not compile, asks for more than the card has, or the launch fails.</exception>
    public void Launch(KernelGrid grid, int threads, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments) => Launch(0, grid, threads, sharedBytes, arguments);

    /// <summary>
    /// The same for a kernel that waits by itself for those in front of it (<c>griddepcontrol.wait</c>): it may be started before they have ended.
    /// Cards before compute capability 9.0 start it behind them.
    /// </summary>
    /// <inheritdoc cref="Launch(KernelGrid, int, int, ReadOnlySpan{KernelArgument})"/>
    public void LaunchAhead(KernelGrid grid, int threads, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments) => Launch(LaunchAttribute.ProgrammaticStreamSerialization, grid, threads, sharedBytes, arguments);

    /// <summary>The same for a kernel whose blocks wait for one another: all of them are on the card at once, or the launch fails.</summary>
    /// <inheritdoc cref="Launch(KernelGrid, int, int, ReadOnlySpan{KernelArgument})"/>
    public void LaunchTogether(KernelGrid grid, int threads, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments) => Launch(LaunchAttribute.Cooperative, grid, threads, sharedBytes, arguments);

    private void Launch(int attribute, KernelGrid grid, int threads, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        if (grid.IsEmpty)
        {
            return;
        }

        CudaDevice device = DeviceOf(arguments);
        using CudaScope entered = device.Enter();
        LoadedKernel kernel = Loaded(device);
        kernel.Prepare(grid, threads, sharedBytes, arguments);
        int words = 0;
        foreach (KernelArgument argument in arguments)
        {
            words += argument.Words;
        }

        long* values = stackalloc long[words];
        void** pointers = stackalloc void*[arguments.Length];
        for (int i = 0; i < arguments.Length; values += arguments[i].Words, i++)
        {
            arguments[i].CopyTo(values);
            pointers[i] = values;
        }

        nint stream = CudaStreams.Current(device.Index);
        var way = new LaunchAttribute { Id = attribute, Value = 1 };
        var configuration = new LaunchConfiguration
        {
            GridX = (uint)grid.X, GridY = (uint)grid.Y, GridZ = (uint)grid.Z, BlockX = (uint)threads, BlockY = 1, BlockZ = 1,
            SharedBytes = (uint)sharedBytes, Stream = stream, Attributes = &way, AttributeCount = 1,
        };
        int code = attribute == LaunchAttribute.Cooperative || (attribute != 0 && device.Capability >= FirstWithAhead)
            ? CudaDriver.LaunchEx(&configuration, kernel.Function, pointers, null)
            : CudaDriver.Launch(kernel.Function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)threads, 1, 1, (uint)sharedBytes, stream, pointers, null);
        if (code == 0 && CudaKernels.Checked)
        {
            int capturing = 0;
            code = CudaDriver.IsCapturing(stream, &capturing) == 0 && capturing != 0 ? 0 : CudaDriver.Synchronize(stream);
        }

        if (code != 0)
        {
            throw new HaloException(
                $"the CUDA kernel {_entry} failed ({CudaDriver.Describe(code)})",
                LoadedKernel.Describe(_source, device.ToString(), grid, threads, sharedBytes, arguments),
                CudaKernels.Checked ? "report it; HALO_KERNELS=plain goes without kernels" : "an earlier kernel may be the cause: run again with HALO_KERNELS=check, which waits after each; HALO_KERNELS=plain goes without");
        }
    }

    /// <summary>How many blocks of this size fit on one multiprocessor of the current card.</summary>
    public int BlocksPerMultiprocessor(int threads, int sharedBytes)
    {
        CudaDevice device = CudaDevice.Current;
        using CudaScope entered = device.Enter();
        LoadedKernel kernel = Loaded(device);
        kernel.Prepare(1, threads, sharedBytes, []);
        int blocks = 0;
        CudaDevice.Check(CudaDriver.Occupancy(&blocks, kernel.Function, threads, (nuint)sharedBytes), "cuOccupancyMaxActiveBlocksPerMultiprocessor");
        return blocks;
    }

    /// <summary>How many clusters of this kernel's blocks can be on a card at once.</summary>
    /// <param name="cluster">Blocks of a cluster, as the kernel has it.</param>
    /// <param name="threads">Threads a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory a block.</param>
    /// <param name="device">The card.</param>
    public int ClustersAtOnce(int cluster, int threads, int sharedBytes, CudaDevice device)
    {
        using CudaScope entered = device.Enter();
        LoadedKernel kernel = Loaded(device);
        kernel.Prepare(cluster, threads, sharedBytes, []);
        var configuration = new LaunchConfiguration
        {
            GridX = (uint)(cluster * device.Multiprocessors), GridY = 1, GridZ = 1, BlockX = (uint)threads, BlockY = 1, BlockZ = 1, SharedBytes = (uint)sharedBytes,
        };
        int clusters = 0;
        CudaDevice.Check(CudaDriver.ActiveClusters(&clusters, kernel.Function, &configuration), "cuOccupancyMaxActiveClusters");
        return clusters;
    }

    private static CudaDevice DeviceOf(ReadOnlySpan<KernelArgument> arguments)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(arguments.Length, MostArguments);
        foreach (KernelArgument argument in arguments)
        {
            if (argument.Tensor is { } tensor)
            {
                return CudaDevice.Of(tensor.device_index);
            }
        }

        return CudaDevice.Current;
    }

    private LoadedKernel Loaded(CudaDevice device)
    {
        if (Volatile.Read(ref _loaded[device.Index]) is { } loaded)
        {
            return loaded;
        }

        lock (_loaded)
        {
            return _loaded[device.Index] ??= LoadedKernel.Load(_source, _entry, _defines, device);
        }
    }
}
