using Halo.Kernels.Cpu;

namespace Halo.Inference;

/// <summary>Weights of one layer, packed. Matrices that read the same input are one.</summary>
internal sealed class CpuLayer : IDisposable
{
    /// <summary>Whether this is an attention layer, not a Lightning one.</summary>
    public required bool IsAttention { get; init; }

    /// <summary>H.</summary>
    public required int Heads { get; init; }

    /// <summary>Key/value heads.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>D.</summary>
    public required int Size { get; init; }

    /// <summary>Rows of q, k, v and, where there is one, the output gate.</summary>
    public required PackedMatrix Inputs { get; init; }

    public required PackedMatrix Output { get; init; }

    /// <summary>Rows of the MLP's gate, then of its other half.</summary>
    public required PackedMatrix GateUp { get; init; }

    public required PackedMatrix Down { get; init; }

    public required NativeBlock InputNorm { get; init; }

    public required NativeBlock PostNorm { get; init; }

    public NativeBlock? QueryNorm { get; init; }

    public NativeBlock? KeyNorm { get; init; }

    /// <summary>The norm over all heads of a Lightning layer together.</summary>
    public NativeBlock? OutputNorm { get; init; }

    public NativeBlock? InputBias { get; init; }

    public NativeBlock? OutputBias { get; init; }

    public NativeBlock? GateUpBias { get; init; }

    public NativeBlock? DownBias { get; init; }

    public required bool HasGate { get; init; }

    /// <summary>Values of all query heads.</summary>
    public int Width => Heads * Size;

    /// <summary>Values of all key heads.</summary>
    public int KeyWidth => KeyHeads * Size;

    public long Bytes => Inputs.Bytes + Output.Bytes + GateUp.Bytes + Down.Bytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? one in new IDisposable?[] { Inputs, Output, GateUp, Down, InputNorm, PostNorm, QueryNorm, KeyNorm, OutputNorm, InputBias, OutputBias, GateUpBias, DownBias })
        {
            one?.Dispose();
        }
    }
}
