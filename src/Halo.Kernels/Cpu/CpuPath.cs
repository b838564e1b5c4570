using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>Which instructions the products of bytes use; products of floats are written in vectors of 512 bits, which .NET divides where the CPU has shorter ones.</summary>
internal enum CpuPath
{
    Portable,
    Avx2,
    Vnni,
}

/// <summary>What this CPU can do.</summary>
internal static class CpuPaths
{
    /// <summary>The fastest.</summary>
    public static CpuPath Best { get; } = AvxVnni.IsSupported ? CpuPath.Vnni : Avx2.IsSupported ? CpuPath.Avx2 : CpuPath.Portable;

    /// <summary>All that run here.</summary>
    public static IEnumerable<CpuPath> Known => Enum.GetValues<CpuPath>().Where(path => path <= Best);
}
