using System.Diagnostics;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>Scores in portions of some seconds and keeps each in a <see cref="ScoringJournal"/>, so that a run that was killed goes on where it stopped.</summary>
internal sealed class ResumableScorer : ISequenceScorer, IDisposable
{
    private const int FirstPortion = 1 << 14;
    private const double PortionSeconds = 15;
    private readonly ISequenceScorer inner;
    private readonly ScoringJournal journal;

    // Ids of a portion.
    private double portion = FirstPortion;

    /// <summary>Reads the journal.</summary>
    /// <param name="inner">Does the work.</param>
    /// <param name="path">The journal's file.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <param name="log">Is told what was found.</param>
    public ResumableScorer(ISequenceScorer inner, string path, string model, IRunLog log)
    {
        this.inner = inner;
        journal = new ScoringJournal(path, model);
        if (journal.Count > 0)
        {
            log.Message($"{journal.Count} finished requests found in {path}");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null)
    {
        string[] keys = [.. requests.Select(request => journal.Key(request, maximumLength))];
        ScoredSequence?[] results = [.. keys.Select(journal.Find)];
        int[] missing = [.. Enumerable.Range(0, requests.Count).Where(place => results[place] is null)];
        for (int start = 0; start < missing.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            int end = start;
            for (double ids = 0; end < missing.Length && (end == start || ids < portion); end++)
            {
                ids += requests[missing[end]].Context.Length + requests[missing[end]].Continuation.Length;
            }

            int[] now = missing[start..end];
            int before = requests.Count - missing.Length + start;
            var watch = Stopwatch.StartNew();
            IReadOnlyList<ScoredSequence> scored = inner.Score([.. now.Select(place => requests[place])], maximumLength, batch, cancellation, onScored is null ? null : done => onScored(before + done));
            foreach ((int place, ScoredSequence one) in now.Zip(scored))
            {
                results[place] = one;
            }

            journal.Add(now.Select(place => (keys[place], results[place]!)));
            start = end;
            portion *= Math.Clamp(PortionSeconds / Math.Max(watch.Elapsed.TotalSeconds, 1e-3), 0.25, 8);
        }

        return results!;
    }

    /// <summary>All is done: the journal goes.</summary>
    public void Finish() => journal.Remove();

    /// <inheritdoc/>
    public void Dispose() => journal.Dispose();
}
