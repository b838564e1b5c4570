using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Halo.Kernels.Cuda;

/// <summary>
/// One argument of a kernel: the data of a tensor (from its first element on, whatever its storage offset), a map of a tensor, a number of
/// 32 or 64 bits, or no pointer. It keeps its tensor, so that the tensor lives until the launch and its shape can be told where the launch fails.
/// </summary>
internal readonly partial struct KernelArgument
{
    private readonly Tensor? _tensor;
    private readonly TensorMap? _map;
    private readonly long _bits;
    private readonly Kind _kind;

    private KernelArgument(Tensor? tensor, long bits, Kind kind) => (_tensor, _bits, _kind) = (tensor, bits, kind);

    private KernelArgument(TensorMap map) => (_tensor, _map, _kind) = (map.Tensor, map, Kind.Map);

    private enum Kind : byte
    {
        Pointer,
        Integer,
        Long,
        Float,
        Map,
    }

    /// <summary>A null pointer.</summary>
    public static KernelArgument Null => default;

    /// <summary>The tensor, or null.</summary>
    public Tensor? Tensor => _tensor;

    /// <summary>Bytes that the kernel's parameter must have.</summary>
    public int Size => _kind == Kind.Map ? TensorMap.Size : _kind is Kind.Integer or Kind.Float ? sizeof(int) : sizeof(long);

    /// <summary>Words of 64 bits that <see cref="CopyTo"/> fills.</summary>
    public int Words => _kind == Kind.Map ? TensorMap.Size / sizeof(long) : 1;

    /// <summary>The value as the kernel gets it, unless it is a map; a number of 32 bits lies in the low half.</summary>
    public long Bits => _tensor is null ? _bits : Data(_tensor);

    public static implicit operator KernelArgument(Tensor? tensor) => new(tensor, 0, Kind.Pointer);

    public static implicit operator KernelArgument(TensorMap map) => new(map);

    public static implicit operator KernelArgument(int value) => new(null, (uint)value, Kind.Integer);

    public static implicit operator KernelArgument(long value) => new(null, value, Kind.Long);

    public static implicit operator KernelArgument(float value) => new(null, BitConverter.SingleToUInt32Bits(value), Kind.Float);

    /// <summary>An address on the device.</summary>
    public static KernelArgument Pointer(nint address) => new(null, address, Kind.Pointer);

    /// <summary>The address of a tensor's first element.</summary>
    public static nint Data(Tensor tensor) => NativeData(tensor.Handle);

    /// <summary>Writes the value as the kernel gets it.</summary>
    public unsafe void CopyTo(long* to)
    {
        if (_kind == Kind.Map)
        {
            _map!.Value.CopyTo(new Span<long>(to, Words));
        }
        else
        {
            *to = Bits;
        }
    }

    /// <summary>For error messages: shape and type, or the number.</summary>
    public override string ToString() => _kind switch
    {
        Kind.Integer => ((int)_bits).ToString(CultureInfo.InvariantCulture),
        Kind.Long => _bits.ToString(CultureInfo.InvariantCulture),
        Kind.Float => BitConverter.Int32BitsToSingle((int)_bits).ToString("R", CultureInfo.InvariantCulture),
        Kind.Map => $"map of {_tensor!.dtype}({string.Join(", ", _tensor.shape)})",
        _ when _tensor is null => _bits == 0 ? "null" : string.Create(CultureInfo.InvariantCulture, $"0x{_bits:x}"),
        _ => $"{_tensor.dtype}({string.Join(", ", _tensor.shape)})",
    };

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial nint NativeData(nint tensor);
}
