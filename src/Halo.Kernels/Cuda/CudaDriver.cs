using System.Runtime.InteropServices;

namespace Halo.Kernels.Cuda;

/// <summary>The CUDA driver's functions. Each returns 0 or the number of an error, which <see cref="Describe"/> names.</summary>
internal static unsafe partial class CudaDriver
{
    public const int UnsupportedPtxVersion = 222;
    public const int NoBinaryForGpu = 209;
    public const int InvalidImage = 200;
    private const string Library = "libcuda.so.1";

    /// <summary>Name and description of an error.</summary>
    public static string Describe(int code)
    {
        nint name = 0, text = 0;
        return ErrorName(code, &name) == 0 && ErrorText(code, &text) == 0
            ? $"{Marshal.PtrToStringUTF8(name)}: {Marshal.PtrToStringUTF8(text)}"
            : $"CUDA error {code}";
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial int Initialize(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDriverGetVersion")]
    public static partial int Version(int* version);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial int DeviceCount(int* count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial int Device(int* device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static partial int DeviceName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int DeviceAttribute(int* value, int attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int RetainPrimaryContext(nint* context, int device);

    [LibraryImport(Library, EntryPoint = "cuCtxGetCurrent")]
    public static partial int CurrentContext(nint* context);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetCurrentContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxGetDevice")]
    public static partial int ContextDevice(int* device);

    [LibraryImport(Library, EntryPoint = "cuModuleLoadData")]
    public static partial int LoadModule(nint* module, byte* image);

    [LibraryImport(Library, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Function(nint* function, nint module, string name);

    [LibraryImport(Library, EntryPoint = "cuFuncGetAttribute")]
    public static partial int FunctionAttribute(int* value, int attribute, nint function);

    [LibraryImport(Library, EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    /// <summary>Since CUDA 12.4.</summary>
    [LibraryImport(Library, EntryPoint = "cuFuncGetParamInfo")]
    public static partial int ParameterInfo(nint function, nuint index, nuint* offset, nuint* size);

    [LibraryImport(Library, EntryPoint = "cuOccupancyMaxActiveBlocksPerMultiprocessor")]
    public static partial int Occupancy(int* blocks, nint function, int threads, nuint sharedBytes);

    /// <summary>How many clusters of blocks can be on the card at once; since CUDA 11.8.</summary>
    [LibraryImport(Library, EntryPoint = "cuOccupancyMaxActiveClusters")]
    public static partial int ActiveClusters(int* clusters, nint function, LaunchConfiguration* configuration);

    /// <summary>Since CUDA 12.0. <paramref name="map"/> gets 128 bytes and is a multiple of 64.</summary>
    [LibraryImport(Library, EntryPoint = "cuTensorMapEncodeTiled")]
    public static partial int EncodeTensorMap(
        void* map, int type, uint rank, nint address, ulong* sizes, ulong* strides, uint* box, uint* steps, int interleave, int swizzle, int promotion, int fill);

    [LibraryImport(Library, EntryPoint = "cuLaunchKernel")]
    public static partial int Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, void** arguments, void** extra);

    /// <summary>The configuration of a launch and its attributes; since CUDA 11.8.</summary>
    [LibraryImport(Library, EntryPoint = "cuLaunchKernelEx")]
    public static partial int LaunchEx(LaunchConfiguration* configuration, nint function, void** arguments, void** extra);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int BeginCapture(nint stream, int mode);

    [LibraryImport(Library, EntryPoint = "cuStreamEndCapture")]
    public static partial int EndCapture(nint stream, nint* graph);

    [LibraryImport(Library, EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int InstantiateGraph(nint* executable, nint graph, ulong flags);

    [LibraryImport(Library, EntryPoint = "cuGraphLaunch")]
    public static partial int LaunchGraph(nint executable, nint stream);

    [LibraryImport(Library, EntryPoint = "cuGraphExecDestroy")]
    public static partial int DestroyExecutable(nint executable);

    [LibraryImport(Library, EntryPoint = "cuGraphDestroy")]
    public static partial int DestroyGraph(nint graph);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial int Synchronize(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamIsCapturing")]
    public static partial int IsCapturing(nint stream, int* status);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial int CreateStream(nint* stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial int DestroyStream(nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial int CreateEvent(nint* created, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial int RecordEvent(nint recorded, nint stream);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial int WaitForEvent(nint recorded);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial int DestroyEvent(nint destroyed);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    private static partial int ErrorName(int code, nint* name);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    private static partial int ErrorText(int code, nint* text);
}
