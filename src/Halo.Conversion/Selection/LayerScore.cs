namespace Halo.Conversion.Selection;

/// <summary>What replacing one layer does.</summary>
/// <param name="Recall">R(i), in [0, 1]; null where it was not measured.</param>
/// <param name="Commonsense">C(i), in [0, 1]; null where it was not measured.</param>
/// <param name="Kl">KL(teacher || M(i)) a token; null where it was not measured.</param>
public sealed record LayerScore(double? Recall, double? Commonsense, double? Kl);
