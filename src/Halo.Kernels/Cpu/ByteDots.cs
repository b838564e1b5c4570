using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>Products of bytes: lane i of the sum gains <c>w[4i] x[4i] + ... + w[4i+3] x[4i+3]</c>, exactly. x is within -127..127.</summary>
internal interface IByteDot
{
    static abstract Vector256<int> Add(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x);
}

/// <summary>One instruction where the CPU has VNNI.</summary>
internal readonly struct VnniDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x) => AvxVnni.MultiplyWideningAndAdd(sum, w, x);
}

/// <summary>AVX2 for codes up to 15: sums of two products fit 16 bits.</summary>
internal readonly struct Avx2NibbleDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x) =>
        sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(w, x), Vector256<short>.One);
}

/// <summary>AVX2 for codes up to 255: sums of two products would not fit 16 bits, so each half of the code is taken by itself.</summary>
internal readonly struct Avx2ByteDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x)
    {
        Vector256<byte> low = w & Vector256.Create((byte)15);
        Vector256<byte> high = (w.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15);
        return sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(low, x), Vector256<short>.One)
            + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(high, x), Vector256.Create((short)16));
    }
}

/// <summary>Any CPU.</summary>
internal readonly struct PortableDot : IByteDot
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x)
    {
        (Vector256<ushort> wLow, Vector256<ushort> wHigh) = Vector256.Widen(w);
        (Vector256<short> xLow, Vector256<short> xHigh) = Vector256.Widen(x);
        return sum + Vector256.Narrow(Fours(wLow.AsInt16() * xLow), Fours(wHigh.AsInt16() * xHigh));
    }

    // 255 x 127 fits 16 bits. The low half of each 64 bits holds the sum of four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<long> Fours(Vector256<short> products)
    {
        Vector256<int> pairs = ((products.AsInt32() << 16) >> 16) + (products.AsInt32() >> 16);
        return (pairs + (pairs.AsInt64() >>> 32).AsInt32()).AsInt64();
    }
}
