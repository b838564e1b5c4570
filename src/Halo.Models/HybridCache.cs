using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// What a model remembers of the tokens it read: keys and values of attention layers (unscaled, after norm and RoPE, in the compute type, grown in blocks),
/// states of Lightning layers (float32). All rows are read in step. After an exception in the middle of a call it is of no more use.
/// </summary>
public sealed class HybridCache : ILayerCache, IDisposable
{
    private const long Block = 256;
    private readonly CacheEntry[] _layers;

    private HybridCache(int batch, CacheEntry[] layers)
    {
        Batch = batch;
        _layers = layers;
    }

    /// <summary>B.</summary>
    public int Batch { get; }

    /// <summary>Tokens read so far, pads included.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes held, spare room included.</summary>
    public long Bytes => _layers.SelectMany(layer => layer.Tensors).Sum(one => one.NumberOfElements * one.element_size());

    /// <summary>Pads in front of each row, as the first call gave them.</summary>
    public IReadOnlyList<int>? PadLeft { get; internal set; }

    /// <summary>Document of each token, -1 for pads, (B, Length); null where all are one.</summary>
    internal Tensor? Tags_BS { get; private set; }

    /// <summary>An empty cache.</summary>
    /// <param name="model">The model: its compute type and device are the cache's.</param>
    /// <param name="batch">B.</param>
    public static HybridCache Create(CausalLm model, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ModelConfiguration configuration = model.Configuration;
        return new(batch, [.. configuration.MixerTypes.Select(type => type == MixerType.Attention
            ? CacheEntry.ForAttention(batch, configuration.NumKeyValueHeads, configuration.HeadDim, model.ComputeType, model.Device)
            : CacheEntry.ForLightning(batch, configuration.LightningNh, configuration.LightningHeadDim, model.Device))]);
    }

    /// <summary>A new cache whose row i is row <paramref name="rows"/>[i] of this one: repeats a prefix for several continuations, or drops finished rows.</summary>
    public HybridCache Select(IReadOnlyList<int> rows)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Device device = _layers.SelectMany(layer => layer.Tensors).First().device;
        Tensor index = tensor(rows.Select(row => (long)row).ToArray(), device: device);
        var result = new HybridCache(rows.Count, [.. _layers.Select(layer => layer.Select(index))])
        {
            Length = Length,
            PadLeft = PadLeft is null ? null : [.. rows.Select(row => PadLeft[row])],
            Tags_BS = Tags_BS?.index_select(0, index).DetachFromDisposeScope(),
        };
        return result;
    }

    /// <summary>Ends a call: its tokens count as read. <see cref="CausalLm.Hidden"/> does it; who runs layers one by one does it after the last one.</summary>
    public void Advance(LayerContext context)
    {
        Length = context.Offset + context.Length;
        if (!ReferenceEquals(Tags_BS, context.Tags_BS))
        {
            Tags_BS?.Dispose();
            Tags_BS = context.Tags_BS?.alias().DetachFromDisposeScope();
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (Tensor one in _layers.SelectMany(layer => layer.Tensors))
        {
            one.Dispose();
        }

        Tags_BS?.Dispose();
        Tags_BS = null;
    }

    /// <inheritdoc/>
    (Tensor K_BHSD, Tensor V_BHSD) ILayerCache.Append(int layer, Tensor k_BHTD, Tensor v_BHTD)
    {
        using IDisposable constant = no_grad();
        return _layers[layer].Append(k_BHTD, v_BHTD, Length, Block);
    }

    /// <inheritdoc/>
    Tensor? ILayerCache.State(int layer) => Length == 0 ? null : _layers[layer].Tensors[0];

    /// <inheritdoc/>
    void ILayerCache.SetState(int layer, Tensor state_BHDD)
    {
        using IDisposable constant = no_grad();
        _layers[layer].Tensors[0].copy_(state_BHDD);
    }
}
