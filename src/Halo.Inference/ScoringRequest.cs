namespace Halo.Inference;

/// <summary>A continuation to be scored after a context.</summary>
/// <param name="Context">Ids read before; at least one.</param>
/// <param name="Continuation">Ids scored; at least one.</param>
public sealed record ScoringRequest(int[] Context, int[] Continuation);
