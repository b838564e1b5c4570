using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>What <see cref="Rotary.Apply"/> needs, float32, (1 or B, T, 1, D).</summary>
/// <param name="Cosine">cos, both halves.</param>
/// <param name="SignedSine">sin, the first half negated.</param>
public sealed record RotaryAngles(Tensor Cosine, Tensor SignedSine);
