namespace Halo.Models;

/// <summary>Neighbouring rows of a call whose caches lie together: their attention is computed as one.</summary>
/// <param name="Lengths">Tokens that the cache of each row holds before the call.</param>
/// <param name="Cache">The rows' cache.</param>
internal sealed record CallPart(IReadOnlyList<int> Lengths, ILayerCache Cache);
