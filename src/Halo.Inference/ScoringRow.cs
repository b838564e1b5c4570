using Halo.Core;

namespace Halo.Inference;

/// <summary>A request cut to what the model reads: the last (maximum + 1) ids, without the last of them.</summary>
internal sealed record ScoringRow(int Index, int[] Inputs, int[] Targets)
{
    /// <summary>Input position whose logits predict the first target.</summary>
    public int FirstScored => Inputs.Length - Targets.Length;

    public float[] LogLikelihoods { get; } = new float[Targets.Length];

    public bool[] Matches { get; } = new bool[Targets.Length];

    public static ScoringRow Make(ScoringRequest request, int index, int maximumLength, int vocabulary)
    {
        string where = $"request {index}";
        if (request.Context.Length == 0 || request.Continuation.Length == 0)
        {
            throw new HaloException("a context or a continuation without ids cannot be scored", where, "give at least one id of each");
        }

        if (maximumLength > 0 && request.Continuation.Length > maximumLength)
        {
            throw new HaloException($"the continuation's {request.Continuation.Length} ids exceed the model's length of {maximumLength}", where, "shorten the item");
        }

        Checks.Ids(request.Context, vocabulary, where);
        Checks.Ids(request.Continuation, vocabulary, where);
        int[] whole = [.. request.Context, .. request.Continuation];
        int kept = maximumLength > 0 ? Math.Min(whole.Length, maximumLength + 1) : whole.Length;
        return new ScoringRow(index, whole[^kept..^1], request.Continuation);
    }
}
