using System.Runtime.ExceptionServices;

namespace Halo.Kernels.Cpu;

/// <summary>
/// Threads that wait, spinning, for the next piece of work: a token of a small model is hundreds of pieces of some microseconds each, too short to wake a thread for.
/// After a while without work they sleep. The caller works as worker 0. One caller at a time.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    private const int SpinsBeforeYield = 4000;
    private const int YieldsBeforeSleep = 200;
    private readonly Thread[] _threads;
    private readonly Lock _call = new();
    private readonly object _gate = new();
    private Action<int>? _work;
    private Exception? _error;
    private int _generation;
    private int _left;
    private int _sleeping;
    private bool _stopped;

    /// <param name="count">Workers, the caller among them.</param>
    public WorkerPool(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _threads = [.. Enumerable.Range(1, count - 1).Select(worker => new Thread(() => Loop(worker)) { IsBackground = true, Name = $"halo-cpu-{worker}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>One worker for each core that this process may use, made at first use.</summary>
    public static WorkerPool Shared => LazyShared.Value;

    private static Lazy<WorkerPool> LazyShared { get; } = new(() => new WorkerPool(Math.Clamp(Environment.ProcessorCount, 1, 64)));

    /// <summary>Number of workers.</summary>
    public int Count { get; }

    /// <summary>Calls <paramref name="work"/> once in each worker with its number, and waits for all.</summary>
    public void Run(Action<int> work)
    {
        lock (_call)
        {
            if (Count == 1)
            {
                work(0);
                return;
            }

            _work = work;
            _error = null;
            Volatile.Write(ref _left, Count - 1);
            Interlocked.Increment(ref _generation);
            if (Volatile.Read(ref _sleeping) > 0)
            {
                lock (_gate)
                {
                    Monitor.PulseAll(_gate);
                }
            }

            Guarded(work, 0);
            for (int spins = 0; Volatile.Read(ref _left) > 0; spins++)
            {
                Pause(spins);
            }

            _work = null;
            if (_error is { } error)
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }
    }

    /// <summary>Divides 0..<paramref name="count"/> - 1 evenly; each worker gets one range.</summary>
    public void Divide(int count, Action<int, int> work) =>
        Run(worker => work((int)((long)count * worker / Count), (int)((long)count * (worker + 1) / Count)));

    /// <summary>Hands out 0..<paramref name="count"/> - 1 one by one, for pieces of unequal size; the worker's number comes second.</summary>
    public void Each(int count, Action<int, int> work)
    {
        int next = 0;
        Run(worker =>
        {
            for (int item = Interlocked.Increment(ref next) - 1; item < count; item = Interlocked.Increment(ref next) - 1)
            {
                work(item, worker);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, thread => thread.Join());
    }

    private static void Pause(int spins)
    {
        if (spins % SpinsBeforeYield == SpinsBeforeYield - 1)
        {
            Thread.Yield();
        }
        else
        {
            Thread.SpinWait(1);
        }
    }

    private void Loop(int worker)
    {
        int seen = 0;
        while (true)
        {
            for (int spins = 0; Volatile.Read(ref _generation) == seen && !Volatile.Read(ref _stopped); spins++)
            {
                if (spins < SpinsBeforeYield * YieldsBeforeSleep)
                {
                    Pause(spins);
                    continue;
                }

                lock (_gate)
                {
                    Interlocked.Increment(ref _sleeping);
                    while (Volatile.Read(ref _generation) == seen && !_stopped)
                    {
                        Monitor.Wait(_gate);
                    }

                    Interlocked.Decrement(ref _sleeping);
                }
            }

            if (Volatile.Read(ref _stopped))
            {
                return;
            }

            seen = Volatile.Read(ref _generation);
            Guarded(_work!, worker);
            Interlocked.Decrement(ref _left);
        }
    }

    private void Guarded(Action<int> work, int worker)
    {
        try
        {
            work(worker);
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _error, error, null);
        }
    }
}
