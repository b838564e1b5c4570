namespace Halo.Kernels.Cpu;

/// <summary>Pieces of work that whoever comes in time takes one by one.</summary>
internal sealed class WorkerJob(int count, Action<int> work)
{
    private int _next;
    private int _active;
    private int _closed;
    private Exception? _error;

    /// <summary>Whether somebody else still works on a piece.</summary>
    public bool IsBusy => Volatile.Read(ref _active) > 0;

    /// <summary>The first error.</summary>
    public Exception? Error => _error;

    /// <summary>No one may begin any more. Together with the fences of <see cref="Join"/>: who came before is seen by <see cref="IsBusy"/>.</summary>
    public void Close() => Interlocked.Exchange(ref _closed, 1);

    /// <summary>Takes part, unless it is over.</summary>
    public void Join()
    {
        Interlocked.Increment(ref _active);
        if (Volatile.Read(ref _closed) == 0)
        {
            Work();
        }

        Interlocked.Decrement(ref _active);
    }

    /// <summary>Takes pieces until there are none.</summary>
    public void Work()
    {
        try
        {
            for (int item = Interlocked.Increment(ref _next) - 1; item < count; item = Interlocked.Increment(ref _next) - 1)
            {
                work(item);
            }
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _error, error, null);
            Volatile.Write(ref _next, count);
        }
    }
}
