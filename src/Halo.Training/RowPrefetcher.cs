using System.Collections.Concurrent;
using Halo.Text;

namespace Halo.Training;

/// <summary>Reads the rows of coming micro-batches on another thread, in order, a few ahead.</summary>
internal sealed class RowPrefetcher : IDisposable
{
    private const int Ahead = 4;

    private readonly BlockingCollection<TokenBatch> _ready = new(Ahead);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reader;

    /// <param name="source">The rows; read by one thread at a time.</param>
    /// <param name="options">Sizes of the batches.</param>
    /// <param name="firstStep">Step to begin with: row r of the data belongs to step r / global batch, whatever the micro-batch.</param>
    public RowPrefetcher(IRowSource source, TrainingOptions options, long firstStep)
    {
        _reader = Task.Run(() =>
        {
            try
            {
                for (long step = firstStep; step < options.Steps; step++)
                {
                    for (int row = 0; row < options.GlobalBatch; row += options.MicroRows)
                    {
                        _ready.Add(source.Read((step * options.GlobalBatch) + row, Math.Min(options.MicroRows, options.GlobalBatch - row)), _stop.Token);
                    }
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // The trainer is done.
            }
            finally
            {
                _ready.CompleteAdding();
            }
        });
    }

    /// <summary>The next micro-batch. An error of the source is thrown here.</summary>
    public TokenBatch Next()
    {
        if (_ready.TryTake(out TokenBatch? batch, Timeout.Infinite))
        {
            return batch;
        }

        _reader.GetAwaiter().GetResult();
        throw new InvalidOperationException("there are no more rows");
    }

    public void Dispose()
    {
        _stop.Cancel();
        try
        {
            _reader.Wait();
        }
        catch (AggregateException)
        {
            // Next has thrown it, or nobody asked for these rows.
        }

        _ready.Dispose();
        _stop.Dispose();
    }
}
