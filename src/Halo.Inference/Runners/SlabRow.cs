using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>The cache of one sequence: a row of a slab. The row may be moved within its slab.</summary>
internal sealed class SlabRow(TensorRunner runner, CacheSlab slab, int index) : ISequenceCache
{
    private bool _givenBack;

    public TensorRunner Runner => runner;

    public CacheSlab Slab => slab;

    public int Index { get; set; } = index;

    /// <inheritdoc/>
    public int Length { get; set; }

    /// <inheritdoc/>
    public long Bytes => slab.Bytes / slab.Rows;

    /// <inheritdoc/>
    public void Clear()
    {
        Require();
        slab.Clear(Index, Length);
        Length = 0;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor[]> Export()
    {
        Require();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Tokens(Tensor x) => x.select(0, Index).narrow(1, 0, Length);
        Tensor Read(Tensor kept, Tensor? scales) => (scales is null ? Tokens(kept).clone() : KeyValueCodes.Dense(Tokens(kept), Tokens(scales), ScalarType.Float32)).DetachFromDisposeScope();
        return [.. Enumerable.Range(0, slab.Layers).Select(layer => slab.IsAttention(layer)
            ? new[] { Read(slab.Keys(layer), slab.IsInt8 ? slab.KeyScales(layer) : null), Read(slab.Values(layer), slab.IsInt8 ? slab.ValueScales(layer) : null) }
            : [slab.State(layer).select(0, Index).clone().DetachFromDisposeScope()])];
    }

    /// <inheritdoc/>
    public void Import(int length, IReadOnlyList<Tensor[]> layers)
    {
        Require();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        slab.Reserve(length);
        Clear();
        Tensor Tokens(Tensor x) => x.select(0, Index).narrow(1, 0, length);
        void Write(Tensor kept, Tensor? scales, Tensor given)
        {
            if (scales is null)
            {
                Tokens(kept).copy_(given);
                return;
            }

            (Tensor codes, Tensor givenScales) = KeyValueCodes.Of(given.to(slab.Device));
            Tokens(kept).copy_(codes);
            Tokens(scales).copy_(givenScales);
        }

        for (int layer = 0; layer < layers.Count; layer++)
        {
            if (slab.IsAttention(layer))
            {
                Write(slab.Keys(layer), slab.IsInt8 ? slab.KeyScales(layer) : null, layers[layer][0]);
                Write(slab.Values(layer), slab.IsInt8 ? slab.ValueScales(layer) : null, layers[layer][1]);
            }
            else
            {
                slab.State(layer).select(0, Index).copy_(layers[layer][0]);
            }
        }

        Length = length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_givenBack)
        {
            _givenBack = true;
            runner.GiveBack(this);
        }
    }

    /// <summary>Throws where the row was given back: it may be another sequence's by now.</summary>
    public void Require() => ObjectDisposedException.ThrowIf(_givenBack, this);
}
