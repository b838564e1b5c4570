using System.Runtime.InteropServices;

namespace Halo.Tensors;

/// <summary>Memory of the current CUDA device, asked of the driver.</summary>
internal static class DeviceMemory
{
    /// <summary>Free and total bytes; 0 is success (cuMemGetInfo).</summary>
    /// <exception cref="DllNotFoundException">There is no CUDA driver.</exception>
    public static int Query(out nuint free, out nuint total) => MemoryInfo(out free, out total);

    [DllImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static extern int MemoryInfo(out nuint free, out nuint total);
}
