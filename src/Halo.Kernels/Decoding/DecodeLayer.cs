using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>A layer as the decoding kernels want it; the tensors are the model's.</summary>
internal sealed record DecodeLayer
{
    /// <summary>Softmax attention; else Lightning.</summary>
    public required bool IsAttention { get; init; }

    public required DecodeHeads Heads { get; init; }

    /// <summary>Queries, keys, values, and gates where there are any.</summary>
    public required DecodeMatrix[] Inputs { get; init; }

    public required DecodeMatrix Output { get; init; }

    /// <summary>The MLP's gate and the other.</summary>
    public required DecodeMatrix[] GateUp { get; init; }

    public required DecodeMatrix Down { get; init; }

    public required Tensor InputNorm_d { get; init; }

    public required Tensor PostNorm_d { get; init; }

    public Tensor? OutputNorm { get; init; }

    public bool HasGate => Inputs.Length == 4;

    /// <summary>Width of a projected row.</summary>
    public int Projected => Inputs.Sum(matrix => matrix.Outputs);
}
