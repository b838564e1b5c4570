using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>The heads of a mixer of a decoding step: where they lie in a projected row, their norms and their rotation.</summary>
internal sealed record DecodeHeads
{
    /// <summary>H.</summary>
    public required int Heads { get; init; }

    /// <summary>Hkv.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>D.</summary>
    public required int Size { get; init; }

    /// <summary>Weight of the queries' norm (D); null for none.</summary>
    public Tensor? QueryNorm_D { get; init; }

    /// <summary>Weight of the keys' norm (D); null for none.</summary>
    public Tensor? KeyNorm_D { get; init; }

    /// <summary>The norms'.</summary>
    public float Epsilon { get; init; }

    /// <summary>Frequencies of the rotation, float32 (D/2); null for none.</summary>
    public Tensor? Frequencies { get; init; }

    /// <summary>Factor of cosine and sine.</summary>
    public float Amplitude { get; init; } = 1;

    /// <summary>Where keys begin in a projected row: behind the queries.</summary>
    public int KeyOffset => Heads * Size;

    /// <summary>Where values begin.</summary>
    public int ValueOffset => (Heads + KeyHeads) * Size;

    /// <summary>Where gates begin.</summary>
    public int GateOffset => (Heads + (2 * KeyHeads)) * Size;
}
