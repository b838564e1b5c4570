using System.Runtime.InteropServices;

namespace Halo.Kernels.Cuda;

/// <summary>CUlaunchAttribute: its number, and a value in 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct LaunchAttribute
{
    /// <summary>CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION: 1 lets a kernel start before the one in front of it has ended.</summary>
    public const int ProgrammaticStreamSerialization = 6;

    /// <summary>CU_LAUNCH_ATTRIBUTE_COOPERATIVE: 1 has all blocks on the card at once, or the launch fails.</summary>
    public const int Cooperative = 2;

    [FieldOffset(0)]
    public int Id;

    [FieldOffset(8)]
    public int Value;
}
