using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Seconds by part of a step. While a clock is set on a thread, the end of each part waits for the device, so a step that is timed by parts takes longer
/// than others; without one a mark costs nothing.
/// </summary>
internal sealed class StepClock(Device device)
{
    [ThreadStatic]
    private static StepClock? _current;

    private readonly double[] _seconds = new double[Enum.GetValues<StepPart>().Length];
    private long _last = Stopwatch.GetTimestamp();

    /// <summary>The clock of this thread; null for none.</summary>
    public static StepClock? Current
    {
        get => _current;
        set => _current = value;
    }

    /// <summary>Ends a part: the time since the last mark is its.</summary>
    public static void Mark(StepPart part)
    {
        if (_current is { } clock)
        {
            clock._seconds[(int)part] += clock.Lap();
        }
    }

    /// <summary>Seconds of a part so far.</summary>
    public double Seconds(StepPart part) => _seconds[(int)part];

    /// <summary>Begins anew from now.</summary>
    public void Restart()
    {
        Array.Clear(_seconds);
        Lap();
    }

    private double Lap()
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }

        long now = Stopwatch.GetTimestamp();
        double seconds = Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
        return seconds;
    }
}
