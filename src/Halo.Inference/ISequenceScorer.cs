namespace Halo.Inference;

/// <summary>Scores continuations of token ids.</summary>
public interface ISequenceScorer
{
    /// <summary>Scores every request; results in the order of the requests, the same whatever the batch size (to float rounding).</summary>
    /// <param name="requests">Contexts and continuations.</param>
    /// <param name="maximumLength">Most ids that the model may read; of context and continuation the last <paramref name="maximumLength"/> + 1 are kept and the last is not read. 0 sets no bound.</param>
    /// <param name="batch">Rows at once; 0 chooses by memory.</param>
    /// <param name="cancellation">Stops between batches and blocks.</param>
    /// <param name="onScored">Called with the number of requests done so far.</param>
    /// <exception cref="Core.HaloException">An empty context or continuation, an id outside the vocabulary, or a continuation longer than the bound.</exception>
    IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null);
}
