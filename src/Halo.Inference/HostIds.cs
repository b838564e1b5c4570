using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Numbers on their way to the device.</summary>
internal static class HostIds
{
    /// <summary>A tensor on the device. A GPU takes it from pinned memory, so that the host does not wait for the work before it.</summary>
    public static Tensor ToDevice(long[] values, long[] shape, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor host = tensor(values, shape);
        return (device.type == DeviceType.CUDA ? host.pin_memory().to(device, non_blocking: true) : host.to(device)).MoveToOuterDisposeScope();
    }
}
