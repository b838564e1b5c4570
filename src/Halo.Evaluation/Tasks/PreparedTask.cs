using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>A task whose requests are known beforehand: they are read and encoded in the background while the device works for the task before.</summary>
/// <typeparam name="TItem">What a request belongs to.</typeparam>
internal abstract class PreparedTask<TItem> : IEvaluationTask, IPrepared
{
    private Task<Entry[]>? preparing;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract void Check(EvaluationContext context);

    /// <inheritdoc/>
    public Task Prepare(EvaluationContext context, Task after)
    {
        preparing = after.ContinueWith(_ => Read(context), context.Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
        return preparing;
    }

    /// <inheritdoc/>
    public IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        Entry[] entries = preparing is null ? Read(context) : preparing.GetAwaiter().GetResult();
        preparing = null;
        ScoringRequest[] requests = [.. entries.SelectMany(entry => entry.Requests)];
        IReadOnlyList<ScoredSequence> scored = requests.Length == 0 ? [] : context.Scorer.Score(
            requests, context.MaximumLength, context.Options.Batch, context.Cancellation, done => context.Log.Progress($"{context.Model} {Name}", done, requests.Length, ""));
        var results = new ScoredSequence[entries.Length][];
        for (int i = 0, first = 0; i < entries.Length; first += entries[i].Requests.Length, i++)
        {
            results[i] = [.. scored.Skip(first).Take(entries[i].Requests.Length)];
        }

        return Report(context, entries, results);
    }

    /// <summary>Reads the items that offset and limit choose, and encodes them.</summary>
    protected abstract Entry[] Read(EvaluationContext context);

    /// <summary>Turns log-likelihoods into figures and samples.</summary>
    protected abstract IReadOnlyList<ResultRecord> Report(EvaluationContext context, Entry[] entries, ScoredSequence[][] results);

    /// <summary>Makes entries on all processors, in order.</summary>
    protected static Entry[] InParallel<TSource>(IReadOnlyList<TSource> sources, Func<TSource, int, Entry> make, CancellationToken cancellation)
    {
        var entries = new Entry[sources.Count];
        try
        {
            Parallel.For(0, entries.Length, new ParallelOptions { CancellationToken = cancellation }, i => entries[i] = make(sources[i], i));
        }
        catch (AggregateException errors)
        {
            // The first in order is the one to tell, whichever thread was quicker.
            throw errors.InnerExceptions.OfType<HaloException>().OrderBy(error => error.Message, StringComparer.Ordinal).FirstOrDefault() ?? errors.InnerExceptions[0];
        }

        return entries;
    }

    /// <summary>An item and what is asked of it.</summary>
    /// <param name="Index">Its place in the files.</param>
    /// <param name="Item">The item.</param>
    /// <param name="Requests">In the order of the item's choices or windows.</param>
    protected internal sealed record Entry(int Index, TItem Item, ScoringRequest[] Requests);
}
