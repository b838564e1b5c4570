using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Halo.Kernels.Cpu;

/// <summary>Signed bytes as floats.</summary>
internal static unsafe class Codes
{
    /// <summary>Sixteen of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sixteen(sbyte* at)
    {
        Vector128<sbyte> codes = Vector128.Load(at);
        if (Avx512F.IsSupported)
        {
            return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(codes));
        }

        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(codes);
        return Vector512.Create(Vector256.ConvertToSingle(Eight(low)), Vector256.ConvertToSingle(Eight(high)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Eight(Vector128<short> values)
    {
        (Vector128<int> low, Vector128<int> high) = Vector128.Widen(values);
        return Vector256.Create(low, high);
    }
}
