namespace Halo.Evaluation;

/// <summary>A model's figure in a row.</summary>
/// <param name="Value">The figure.</param>
/// <param name="Stderr">Its standard error, where one is defined.</param>
/// <param name="N">Items measured.</param>
public sealed record ComparisonCell(double Value, double? Stderr, int N);
