using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>Type names of the safetensors format.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] Table =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    public static (ScalarType Type, int Size)? Parse(string name)
    {
        foreach (var (known, type, size) in Table)
        {
            if (known == name)
            {
                return (type, size);
            }
        }

        return null;
    }

    public static (string Name, int Size) Of(ScalarType type)
    {
        foreach (var (name, known, size) in Table)
        {
            if (known == type)
            {
                return (name, size);
            }
        }

        throw new NotSupportedException($"safetensors files hold no {type}");
    }
}
