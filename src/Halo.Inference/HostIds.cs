using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Numbers on their way to the device.</summary>
internal static class HostIds
{
    /// <summary>Ids on the device. A GPU takes them from pinned memory, so that the host does not wait for the work before them.</summary>
    public static Tensor ToDevice(long[] values, long[] shape, Device device) => ToDevice(() => tensor(values, shape), device);

    /// <summary>The same for figures, float64.</summary>
    public static Tensor ToDevice(double[] values, Device device) => ToDevice(() => tensor(values), device);

    private static Tensor ToDevice(Func<Tensor> make, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor host = make();
        return (device.type == DeviceType.CUDA ? host.pin_memory().to(device, non_blocking: true) : host.to(device)).MoveToOuterDisposeScope();
    }
}
