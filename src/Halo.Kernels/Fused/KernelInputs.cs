using System.Globalization;
using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>What the fused kernels need of their inputs.</summary>
internal static class KernelInputs
{
    private const int Alignment = 16;

    /// <summary>Whether a tensor is one that fused kernels work on: bfloat16 or float32 on a card that runs them.</summary>
    public static bool Fit(Tensor x) => CudaKernels.Serve(x) && IsElement(x.dtype);

    /// <summary>Whether kernels know a type.</summary>
    public static bool IsElement(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float32;

    /// <summary>The type's name in the CUDA sources.</summary>
    public static string Name(ScalarType type) => type == ScalarType.BFloat16 ? "bf16" : "float";

    /// <summary>The definition ELEMENT of kernels that work on a tensor's type.</summary>
    public static (string Name, string Value) Element(Tensor x) => ("ELEMENT", Name(x.dtype));

    /// <summary>The value of a definition that is a number.</summary>
    public static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Elements in 16 bytes.</summary>
    public static int Vector(ScalarType type) => type == ScalarType.BFloat16 ? 8 : 4;

    /// <summary>Whether a kernel that is told the strides of four dimensions can read it 16 bytes at a time where it lies.</summary>
    public static bool HasVectors(Tensor x)
    {
        int vector = Vector(x.dtype);
        return x.stride(3) == 1 && x.stride(2) % vector == 0 && x.stride(1) % vector == 0 && x.stride(0) % vector == 0 && KernelArgument.Data(x) % Alignment == 0;
    }

    /// <summary>The tensor itself where it is contiguous and starts at a multiple of 16 bytes, else a copy that is.</summary>
    public static Tensor Ready(Tensor x)
    {
        Tensor contiguous = x.is_contiguous() ? x : x.contiguous();
        return KernelArgument.Data(contiguous) % Alignment == 0 ? contiguous : contiguous.clone();
    }
}
