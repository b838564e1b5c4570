using Halo.Inference;

namespace Halo.Evaluation.Tests;

/// <summary>Gives the id at position t of a row the log-likelihood -<see cref="Loss"/>(t), and calls it a match when the id is even.</summary>
internal sealed class UniformScorer : ISequenceScorer
{
    public Func<int, double> Loss { get; init; } = _ => 1;

    public List<ScoringRequest> Seen { get; } = [];

    public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null)
    {
        Seen.AddRange(requests);
        return [.. requests.Select(request => new ScoredSequence(
            [.. request.Continuation.Select((_, position) => (float)-Loss(position))], [.. request.Continuation.Select(id => id % 2 == 0)]))];
    }
}
