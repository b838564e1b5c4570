using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>Raw memory of contiguous tensors on the CPU, also of more than 2 GiB.</summary>
internal static class TensorMemory
{
    /// <summary>Address of the first element.</summary>
    /// <exception cref="ArgumentException">The tensor is empty, not contiguous or not on the CPU.</exception>
    public static unsafe nint Address(Tensor tensor)
    {
        if (!tensor.is_contiguous() || tensor.device_type != DeviceType.CPU || tensor.numel() == 0)
        {
            throw new ArgumentException("the tensor is empty, not contiguous or not on the CPU", nameof(tensor));
        }

        // A span reaches 2 GiB only; that of the first element has the same address.
        using Tensor flat = tensor.detach().view(-1);
        using Tensor first = flat.narrow(0, 0, 1);
        return (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }
}
