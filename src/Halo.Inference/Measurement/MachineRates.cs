using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>What a device does at best, measured with libtorch's own operations.</summary>
/// <param name="BytesPerSecond">Of a large copy, bytes read and bytes written together.</param>
/// <param name="OperationsPerSecond">Of a large matrix product, a multiplication and an addition counting two.</param>
public sealed record MachineRates(double BytesPerSecond, double OperationsPerSecond)
{
    private const double SecondsEach = 0.5;

    /// <summary>Measures; takes about two seconds.</summary>
    /// <param name="device">Where.</param>
    /// <param name="type">Type of the product.</param>
    public static MachineRates Measure(Device device, ScalarType type)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool cuda = device.type == DeviceType.CUDA;
        Tensor from = ones([cuda ? 1L << 28 : 1L << 26], ScalarType.Float32, device), to = empty_like(from);
        double copy = Best(device, () => to.copy_(from));
        long size = cuda ? 8192 : 2048;
        Tensor a = randn([size, size], ScalarType.Float32, device).to_type(type), b = randn([size, size], ScalarType.Float32, device).to_type(type);
        double product = Best(device, () => matmul(a, b).Dispose());
        return new MachineRates(8.0 * from.NumberOfElements / copy, 2.0 * size * size * size / product);
    }

    /// <summary>Waits until a device has done its work.</summary>
    internal static void Wait(Device device)
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }
    }

    private static double Best(Device device, Action action)
    {
        action();
        double best = double.PositiveInfinity;
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < SecondsEach;)
        {
            Wait(device);
            long start = Stopwatch.GetTimestamp();
            action();
            Wait(device);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
