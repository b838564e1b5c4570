using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>Weights that are read once, from front to back.</summary>
internal static unsafe class Streams
{
    // The CPU's own prefetching stops at pages of 4 KiB.
    private const int Ahead = 4096;

    /// <summary>Asks for what lies 4 KiB behind an address; nothing happens where that is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0((byte*)address + Ahead);
        }
    }
}
