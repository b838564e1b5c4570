using System.Globalization;
using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Memory that a run may use, and what it takes of it. On a GPU everything is compared with what was free when this was made; on the CPU, whose memory is shared
/// and can be swapped, only with a multiple of what the machine has.
/// </summary>
internal sealed class MemoryRoom
{
    /// <summary>How often a machine's memory must be needed until a run on the CPU is refused.</summary>
    private const int ClearlyTooMuch = 2;

    private readonly Device _device;
    private readonly long _free;
    private readonly long _total;

    /// <summary>Asks the device; make it before the run puts anything there.</summary>
    public MemoryRoom(Device device)
    {
        LibTorch.Initialize();
        (_device, (_free, _total)) = (device, DeviceMemory.Of(device) ?? (0, 0));
    }

    /// <summary>For tests: a device with some memory.</summary>
    internal MemoryRoom(Device device, long free, long total) => (_device, _free, _total) = (device, free, total);

    private bool OnGpu => _device.type == DeviceType.CUDA;

    /// <summary>
    /// Bytes of the device that were taken since this was made, by this process unless others use the device; null where that is not known. libtorch keeps what it
    /// has taken, so after a step this is the most that any step since <see cref="DeviceMemory.ReleaseUnused"/> needed.
    /// </summary>
    public long? Taken => OnGpu && DeviceMemory.Of(_device) is { } now ? _free - now.Free : null;

    /// <summary>Refuses a stage that cannot fit.</summary>
    /// <param name="stage">Its name.</param>
    /// <param name="estimate">What it needs.</param>
    /// <param name="options">What may be lowered.</param>
    /// <exception cref="HaloException">It needs more than there is.</exception>
    public void Require(string stage, MemoryEstimate estimate, TrainingOptions options)
    {
        long most = OnGpu ? (_total == 0 ? long.MaxValue : _free) : ClearlyTooMuch * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (estimate.Total <= most)
        {
            return;
        }

        string has = OnGpu ? $"{_device} has {Gigabytes(_free)} of {Gigabytes(_total)} free" : $"the machine has {Gigabytes(most / ClearlyTooMuch)}";
        string parts = $"{Gigabytes(estimate.Held)} for weights, gradients, optimizer and teacher, {Gigabytes(estimate.Total - estimate.Held)} for a step";
        string remedy = estimate.Held > most ? MemoryErrors.LowerModel(estimate.Moments / 8) : MemoryErrors.LowerStep(options);
        throw new HaloException($"{stage} would need about {Gigabytes(estimate.Total)} of memory ({parts}); {has}", stage, $"{remedy}; --ignore-memory starts all the same");
    }

    /// <summary>A line for the log before a stage; null where the device's memory is not known.</summary>
    public string? Before(string stage, MemoryEstimate estimate) =>
        _total == 0 ? null : $"{stage}: about {Gigabytes(estimate.Total)} of memory expected; {_device} had {Gigabytes(_free)} of {Gigabytes(_total)} free";

    /// <summary>A line for the log after a stage; null where the device's memory is not known.</summary>
    public string? After(string stage, MemoryEstimate estimate) =>
        Taken is { } taken ? $"{stage}: {Gigabytes(taken)} of memory at the peak, {Gigabytes(estimate.Total)} estimated" : null;

    private static string Gigabytes(long bytes) => (bytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture) + " GB";
}
