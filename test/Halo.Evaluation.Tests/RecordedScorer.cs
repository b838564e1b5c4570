using System.Text.Json.Nodes;
using Halo.Inference;

namespace Halo.Evaluation.Tests;

/// <summary>Gives the recorded log-likelihoods to requests with the recorded ids, and fails on any other.</summary>
internal sealed class RecordedScorer : ISequenceScorer
{
    private readonly Dictionary<string, ScoredSequence> _known = [];

    public RecordedScorer()
    {
        foreach (JsonNode? request in GoldenItems.Records("items").Concat(GoldenItems.Records("extra")).SelectMany(record => record["requests"]!.AsArray()))
        {
            int[] continuation = GoldenItems.Ids(request!["continuation_ids"]);
            var values = new float[continuation.Length];
            values[0] = (float)request["loglikelihood"]!.GetValue<double>();
            _known[Key(GoldenItems.Ids(request["context_ids"]), continuation)] = new ScoredSequence(values, [.. continuation.Select(_ => request["is_greedy"]!.GetValue<bool>())]);
        }
    }

    public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null) =>
        [.. requests.Select(request => _known[Key(request.Context, request.Continuation)])];

    private static string Key(int[] context, int[] continuation) => string.Join(' ', context) + " | " + string.Join(' ', continuation);
}
