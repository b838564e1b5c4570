namespace Halo.Conversion;

/// <summary>What the search for a found.</summary>
/// <param name="Base">The best a.</param>
/// <param name="Loss">Loss with it, nats a token.</param>
/// <param name="LossWithout">Loss without scaling.</param>
/// <param name="Tried">Loss of every a tried.</param>
public sealed record ScalingResult(double Base, double Loss, double LossWithout, IReadOnlyDictionary<double, double> Tried);
