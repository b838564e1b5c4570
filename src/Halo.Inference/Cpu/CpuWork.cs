using Halo.Kernels.Cpu;

namespace Halo.Inference;

/// <summary>Memory of one pass, for up to a number of tokens.</summary>
internal sealed unsafe class CpuWork : IDisposable
{
    private readonly NativeBlock _hidden;
    private readonly NativeBlock _wide;
    private readonly NativeBlock _narrow;

    public CpuWork(CpuWeights weights, int tokens)
    {
        Tokens = (tokens + 3) / 4 * 4;
        int d = weights.Configuration.HiddenSize;
        Normed = new QuantizedRows(Tokens, d);
        Mixed = new QuantizedRows(Tokens, weights.Layers.Max(layer => layer.Width));
        Inner = new QuantizedRows(Tokens, weights.Configuration.IntermediateSize);
        WideStride = weights.Layers.Max(layer => Math.Max(layer.Inputs.Groups, layer.GateUp.Groups)) * PackedMatrix.Group;
        NarrowStride = (d + 15) / 16 * 16;
        _hidden = new NativeBlock((long)Tokens * d * sizeof(float));
        _wide = new NativeBlock((long)Tokens * WideStride * sizeof(float));
        _narrow = new NativeBlock((long)Tokens * NarrowStride * sizeof(float));
    }

    /// <summary>Room in tokens.</summary>
    public int Tokens { get; }

    /// <summary>The residual stream, (T, d).</summary>
    public float* Hidden => _hidden.Floats;

    /// <summary>Queries, keys, values and gates, or the MLP's halves.</summary>
    public float* Wide => _wide.Floats;

    public int WideStride { get; }

    /// <summary>What is added to the residual stream.</summary>
    public float* Narrow => _narrow.Floats;

    public int NarrowStride { get; }

    public QuantizedRows Normed { get; }

    public QuantizedRows Mixed { get; }

    public QuantizedRows Inner { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable one in new IDisposable[] { _hidden, _wide, _narrow, Normed, Mixed, Inner })
        {
            one.Dispose();
        }
    }
}
