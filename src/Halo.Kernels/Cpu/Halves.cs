using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>Numbers of 16 bits to float32 and back.</summary>
internal static unsafe class Halves
{
    /// <summary>Eight float16, finite, to float32; .NET has no instruction for it, so the exponent is moved by a product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load8(byte* address)
    {
        Vector128<short> bits = Vector128.Load((short*)address);
        Vector256<int> wide = Avx2.IsSupported ? Avx2.ConvertToVector256Int32(bits) : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits));
        return ((wide << 13) & Vector256.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector256.Create(5.192296858534828e33f);
    }

    /// <summary>The even ones of 32 bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Even(Vector512<uint> pairs) => (pairs << 16).AsSingle();

    /// <summary>The odd ones of 32 bfloat16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Odd(Vector512<uint> pairs) => (pairs & Vector512.Create(0xffff0000u)).AsSingle();

    /// <summary>bfloat16 to float32.</summary>
    public static float FromBFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>float32, finite, to the nearest bfloat16, ties to even.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
