using System.Runtime.ExceptionServices;

namespace Halo.Kernels.Cpu;

/// <summary>
/// Threads that wait, spinning, for the next piece of work: a token of a small model is hundreds of pieces of some microseconds each, too short to wake a thread for.
/// After a while without work they sleep. The caller works too, and never waits for a thread that has not begun: where other programs hold the cores, one thread does it all.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int PiecesOfAWorker = 4;
    private const int SpinsBeforeYield = 500;
    private const int SpinsBeforeSleep = 200_000;
    private readonly Thread[] _threads;
    private readonly Lock _call = new();
    private readonly object _gate = new();
    private WorkerJob? _job;
    private int _sleeping;
    private bool _stopped;

    /// <param name="count">Workers, the caller among them.</param>
    public WorkerPool(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _threads = [.. Enumerable.Range(1, count - 1).Select(worker => new Thread(Loop) { IsBackground = true, Name = $"halo-cpu-{worker}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>One worker for each core that this process may use, made at first use.</summary>
    public static WorkerPool Shared => LazyShared.Value;

    private static Lazy<WorkerPool> LazyShared { get; } = new(() => new WorkerPool(Math.Clamp(Environment.ProcessorCount, 1, 64)));

    /// <summary>Number of workers.</summary>
    public int Count { get; }

    /// <summary>Divides 0..<paramref name="count"/> - 1 into ranges (from, to), some for each worker.</summary>
    public void Divide(int count, Action<int, int> work)
    {
        int pieces = Count == 1 ? 1 : Math.Min(count, Count * PiecesOfAWorker);
        Each(pieces, piece => work((int)((long)count * piece / pieces), (int)((long)count * (piece + 1) / pieces)));
    }

    /// <summary>Hands out 0..<paramref name="count"/> - 1 one by one and waits for all.</summary>
    public void Each(int count, Action<int> work)
    {
        lock (_call)
        {
            var job = new WorkerJob(count, work);
            if (Count > 1 && count > 1)
            {
                // A full fence: whoever falls asleep now sees the job, or is seen asleep.
                Interlocked.Exchange(ref _job, job);
                if (Volatile.Read(ref _sleeping) > 0)
                {
                    lock (_gate)
                    {
                        Monitor.PulseAll(_gate);
                    }
                }
            }

            job.Work();
            job.Close();
            for (int spins = 0; job.IsBusy; spins++)
            {
                Pause(spins);
            }

            _job = null;
            if (job.Error is { } error)
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            Volatile.Write(ref _stopped, true);
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, thread => thread.Join());
    }

    private static void Pause(int spins)
    {
        if (spins > SpinsBeforeYield && spins % 20 == 0)
        {
            Thread.Yield();
        }
        else
        {
            Thread.SpinWait(1);
        }
    }

    private void Loop()
    {
        WorkerJob? last = null;
        for (int spins = 0; !Volatile.Read(ref _stopped); spins++)
        {
            if (Volatile.Read(ref _job) is { } job && job != last)
            {
                last = job;
                job.Join();
                spins = 0;
            }
            else if (spins < SpinsBeforeSleep)
            {
                Pause(spins);
            }
            else
            {
                Sleep(last);
                spins = 0;
            }
        }
    }

    private void Sleep(WorkerJob? last)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _sleeping);
            while ((Volatile.Read(ref _job) is not { } job || job == last) && !_stopped)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _sleeping);
        }
    }
}
