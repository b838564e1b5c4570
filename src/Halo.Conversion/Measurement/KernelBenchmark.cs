using System.Diagnostics;
using System.Runtime.InteropServices;
using Halo.Core;
using Halo.Inference;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Conversion.Measurement;

/// <summary>Times kernels and the plain tensor operations in whose place they stand.</summary>
/// <param name="device">Where.</param>
/// <param name="rates">What it does at best.</param>
internal sealed class KernelBenchmark(Device device, MachineRates rates)
{
    private const double LongEnough = 0.03;

    // .NET compiles what is called often a second time, in the background.
    private const double WarmUp = 0.2;
    private const int Batches = 5;

    /// <summary>Times a kernel; an error of it or of the plain operations (memory, most of all) is told in the result.</summary>
    public KernelTiming Measure(Func<KernelCase> make)
    {
        using DisposeScope scope = NewDisposeScope();
        KernelCase one = make();
        string? failure = null;
        double? Try(Action action)
        {
            try
            {
                return Time(action) / one.Times;
            }
            catch (Exception error) when (error is ExternalException or HaloException or InvalidOperationException)
            {
                failure ??= error.Message.Split('\n')[0];
                return null;
            }
        }

        double? seconds = Try(one.Run);
        bool before = CudaKernels.Enabled;
        CudaKernels.Enabled = false;
        try
        {
            double? plain = Try(one.Plain ?? one.Run);
            return new KernelTiming(one.Name, one.Shape, seconds, plain, Math.Max(one.Bytes / rates.BytesPerSecond, one.Operations / rates.OperationsPerSecond), failure);
        }
        finally
        {
            CudaKernels.Enabled = before;
        }
    }

    /// <summary>Best mean over runs between two waits for the device: so many that the waits cost nothing.</summary>
    private double Time(Action action)
    {
        for (double warm = Run(action, 2); warm < WarmUp;)
        {
            warm += Run(action, 10);
        }

        double once = Run(action, 1);
        int count = (int)Math.Clamp(LongEnough / once, 1, 200);
        double best = once;
        for (int batch = 0; batch < Batches && (batch == 0 || once < 2); batch++)
        {
            best = Math.Min(best, Run(action, count) / count);
        }

        return best;
    }

    private double Run(Action action, int count)
    {
        Wait();
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            action();
        }

        Wait();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private void Wait()
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }
    }
}
