using System.Runtime.InteropServices;
using Halo.Tensors;

namespace Halo.Kernels.Cuda;

/// <summary>
/// libtorch's current stream, which TorchSharp does not show: through the C++ functions of libc10_cuda by their mangled names.
/// Where a libtorch lacks them the default stream is taken, which libtorch uses unless told otherwise.
/// </summary>
internal static unsafe class CudaStreams
{
    private static readonly nint Library = Load();
    private static readonly delegate* unmanaged<sbyte, TorchStream> GetCurrent = (delegate* unmanaged<sbyte, TorchStream>)Export("_ZN3c104cuda20getCurrentCUDAStreamEa");
    private static readonly delegate* unmanaged<TorchStream*, nint> Raw = (delegate* unmanaged<TorchStream*, nint>)Export("_ZNK3c104cuda10CUDAStream6streamEv");
    private static readonly delegate* unmanaged<TorchStream, void> SetCurrent = (delegate* unmanaged<TorchStream, void>)Export("_ZN3c104cuda20setCurrentCUDAStreamENS0_10CUDAStreamE");
    private static readonly delegate* unmanaged<nint, sbyte, TorchStream> FromExternal = (delegate* unmanaged<nint, sbyte, TorchStream>)Export("_ZN3c104cuda21getStreamFromExternalEP11CUstream_sta");

    /// <summary>Whether libtorch's stream can be asked for.</summary>
    public static bool CanAsk => GetCurrent != null && Raw != null;

    /// <summary>Whether libtorch can be given another stream.</summary>
    public static bool CanSet => CanAsk && SetCurrent != null && FromExternal != null;

    /// <summary>libtorch's current stream of a device on the calling thread; 0 is the default stream.</summary>
    public static nint Current(int device)
    {
        if (!CanAsk)
        {
            return 0;
        }

        TorchStream stream = GetCurrent((sbyte)device);
        return Raw(&stream);
    }

    /// <summary>A new stream of a device that does not wait for the default one; <see cref="Destroy"/> frees it.</summary>
    public static nint Create(CudaDevice device)
    {
        using CudaScope entered = device.Enter();
        nint stream = 0;
        CudaDevice.Check(CudaDriver.CreateStream(&stream, 1), "cuStreamCreate");
        return stream;
    }

    /// <summary>Frees a stream.</summary>
    public static void Destroy(nint stream) => CudaDevice.Check(CudaDriver.DestroyStream(stream), "cuStreamDestroy");

    /// <summary>Makes a stream libtorch's current one on the calling thread until the result is disposed.</summary>
    /// <exception cref="NotSupportedException">This libtorch does not let it be set.</exception>
    public static IDisposable Use(nint stream, int device)
    {
        if (!CanSet)
        {
            throw new NotSupportedException("this libtorch's current stream cannot be set");
        }

        var before = new Restored(GetCurrent((sbyte)device));
        SetCurrent(FromExternal(stream, (sbyte)device));
        return before;
    }

    private static nint Load()
    {
        string? folder = LibTorch.Folder;
        return folder is not null && NativeLibrary.TryLoad(Path.Combine(folder, "libc10_cuda.so"), out nint library) ? library : 0;
    }

    private static nint Export(string name) => Library != 0 && NativeLibrary.TryGetExport(Library, name, out nint address) ? address : 0;

    /// <summary>c10::cuda::CUDAStream: device type and index, then the stream's number; returned in two registers.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TorchStream
    {
        public long Device;
        public long Number;
    }

    private sealed class Restored(TorchStream stream) : IDisposable
    {
        public void Dispose() => SetCurrent(stream);
    }
}
