using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <content>What the layers of one call share.</content>
public sealed partial class CausalLm
{
    /// <summary>Positions, masks and cache of a call; its tensors belong to the current dispose scope.</summary>
    /// <param name="ids_BT">Token ids (only the shape is read).</param>
    /// <param name="layout">Pads and documents; null for none. With a cache, pads need to be given at the first call only.</param>
    /// <param name="cache">What was read before; null for nothing.</param>
    /// <exception cref="ArgumentException">Layout, cache and ids do not fit together.</exception>
    public LayerContext Context(Tensor ids_BT, SequenceLayout? layout = null, HybridCache? cache = null)
    {
        (long batch, long length) = (ids_BT.shape[0], ids_BT.shape[1]);
        if (cache is not null && cache.Batch != batch)
        {
            throw new ArgumentException($"the cache has {cache.Batch} rows, the batch {batch}", nameof(cache));
        }

        using IDisposable constant = no_grad();
        LayoutTensors tensors = LayoutTensors.Make(layout, cache, batch, length, Device);
        long offset = cache?.Length ?? 0;
        RotaryAngles? Angles(Rotary? rotary) =>
            rotary is null ? null : tensors.Positions_BT is { } positions_BT ? rotary.At(positions_BT) : rotary.At(offset, length);
        return new LayerContext(batch, length, cache, offset, Device, tensors)
        {
            AttentionAngles = Angles(_attentionRotary),
            LightningAngles = Angles(_lightningRotary),
            RoundsKeyValues = CacheFormat == CacheFormat.Int8,
            QueryScale = LogitsScaling is null ? null : QueryScales.Make(LogitsScaling, tensors.Positions_BT, offset, length, Device),
        };
    }

    /// <summary>The same for rows whose caches may lie apart and differ in length.</summary>
    /// <param name="length">T; 1 where lengths differ.</param>
    /// <param name="parts">The rows, in their order.</param>
    internal LayerContext Context(long length, IReadOnlyList<CallPart> parts)
    {
        using IDisposable constant = no_grad();
        int[] lengths = [.. parts.SelectMany(part => part.Lengths)];
        LayerContext Make(IReadOnlyList<int> offsets, ILayerCache cache, IReadOnlyList<LayerContext>? inner)
        {
            long offset = offsets.Max();
            bool ragged = offsets.Any(one => one != offset);
            if (ragged && length > 1)
            {
                throw new ArgumentException("rows of different lengths take one token at a time", nameof(length));
            }

            Tensor? positions_BT = ragged ? tensor(offsets.Select(one => (long)one).ToArray()).to(Device).unsqueeze(1) : null;
            RotaryAngles? Angles(Rotary? rotary) => rotary is null ? null : positions_BT is null ? rotary.At(offset, length) : rotary.At(positions_BT);
            return new LayerContext(offsets.Count, length, cache, offset, Device, new LayoutTensors(positions_BT, null, null, null), ragged)
            {
                AttentionAngles = Angles(_attentionRotary),
                LightningAngles = Angles(_lightningRotary),
                RoundsKeyValues = CacheFormat == CacheFormat.Int8 && !cache.Rounds,
                QueryScale = LogitsScaling is null ? null : QueryScales.Make(LogitsScaling, positions_BT, offset, length, Device),
                Parts = inner,
            };
        }

        return parts.Count == 1
            ? Make(lengths, parts[0].Cache, null)
            : Make(lengths, new JoinedCache(parts), [.. parts.Select(part => Make(part.Lengths, part.Cache, null))]);
    }

    /// <summary>The same in a context that was made before; the cache's length is the caller's business.</summary>
    /// <param name="context">The context.</param>
    /// <param name="ids_BT">Token ids.</param>
    /// <param name="last">Tokens at the end whose output is wanted: where that saves work, the output is theirs alone. Null for all.</param>
    internal Tensor HiddenIn(LayerContext context, Tensor ids_BT, long? last = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Embed(ids_BT);
        if (!is_grad_enabled() && Fused.IsHalfOnCuda(x))
        {
            foreach (DecoderLayer layer in Layers)
            {
                x = layer.ForwardInPlace(x, context, layer.Index == Layers.Count - 1 ? last ?? context.Length : context.Length);
            }

            return FinalNorm(x).MoveToOuterDisposeScope();
        }

        for (int layer = 0; layer < Layers.Count; layer++)
        {
            Tensor next = LayerForward(layer, x, context);
            x.Dispose();
            x = next;
        }

        return FinalNorm(x).MoveToOuterDisposeScope();
    }
}
