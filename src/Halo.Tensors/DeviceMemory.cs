using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>Memory of the current CUDA device, asked of the driver.</summary>
internal static class DeviceMemory
{
    /// <summary>Free and total bytes; 0 is success (cuMemGetInfo).</summary>
    /// <exception cref="DllNotFoundException">There is no CUDA driver.</exception>
    public static int Query(out nuint free, out nuint total) => MemoryInfo(out free, out total);

    /// <summary>Free and total bytes of a device that libtorch has begun to use; null for the CPU, and where the driver does not tell.</summary>
    public static (long Free, long Total)? Of(Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return null;
        }

        // A tensor makes the device's context the calling thread's.
        using Tensor here = ones(1, device: device);
        return MemoryInfo(out nuint free, out nuint total) == 0 ? ((long)free, (long)total) : null;
    }

    /// <summary>
    /// Gives what libtorch holds of a CUDA device without using it back to the device. libtorch does that before it gives a request up, and nothing that TorchSharp
    /// shows asks for it otherwise: so as much is requested as the device has in all, which never fits.
    /// </summary>
    public static void ReleaseUnused(Device device)
    {
        if (Of(device) is not { } memory)
        {
            return;
        }

        try
        {
            using Tensor tooMuch = empty(memory.Total, ScalarType.Byte, device);
        }
        catch (ExternalException)
        {
            // As it should be.
        }
    }

    [DllImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static extern int MemoryInfo(out nuint free, out nuint total);
}
