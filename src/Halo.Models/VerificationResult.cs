namespace Halo.Models;

/// <summary>How far a model's logits are from a reference.</summary>
/// <param name="LargestDifference">Largest absolute difference; NaN if a logit is not finite.</param>
/// <param name="Positions">Positions compared, over all rows.</param>
/// <param name="Vocabulary">Logits a position.</param>
public sealed record VerificationResult(double LargestDifference, long Positions, long Vocabulary);
