using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A <see cref="SequenceLayout"/> as the tensors of one call.</summary>
/// <param name="Positions_BT">Positions from each row's first real token (pads: 0); null where they are Offset..Offset+T-1 in all rows.</param>
/// <param name="Tags_BS">Document of each key so far, -1 for pads; null where all are one.</param>
/// <param name="Real_BT11">False at pads of this call; null for none.</param>
/// <param name="Resets_BT">True where a document starts that is not the row's first; null for nowhere.</param>
internal sealed record LayoutTensors(Tensor? Positions_BT, Tensor? Tags_BS, Tensor? Real_BT11, Tensor? Resets_BT)
{
    public static LayoutTensors Make(SequenceLayout? layout, HybridCache? cache, long batch, long length, Device device)
    {
        if (cache is not null && layout?.Lengths is { } lengths && lengths.Any(real => real < length))
        {
            throw new ArgumentException("a cache takes rows with pads in front, not behind", nameof(layout));
        }

        long offset = cache?.Length ?? 0;
        IReadOnlyList<int>? pads = layout?.PadLeft ?? cache?.PadLeft;
        if (pads is not null && pads.Count != batch)
        {
            throw new ArgumentException($"the layout has {pads.Count} rows, the batch {batch}", nameof(layout));
        }

        if (offset > 0 && layout?.PadLeft is { } given && !given.SequenceEqual(cache!.PadLeft ?? new int[batch]))
        {
            throw new ArgumentException("the pads in front differ from those that the cache began with", nameof(layout));
        }

        if (cache is not null && offset == 0)
        {
            cache.PadLeft = pads;
        }

        bool padded = pads is not null && pads.Any(pad => pad > 0);
        Tensor? segments_BT = layout?.Segments_BT;
        if (!padded && segments_BT is null && cache?.Tags_BS is null)
        {
            return new(null, null, null, null);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor index_1T = arange(offset, offset + length, ScalarType.Int64, device).unsqueeze(0);
        Tensor? pad_B1 = padded ? tensor(pads!.Select(pad => (long)pad).ToArray(), device: device).unsqueeze(1) : null;
        Tensor? positions_BT = pad_B1 is null ? null : (index_1T - pad_B1).clamp(0);
        Tensor? pad_BT = pad_B1 is not null && pads!.Max() > offset ? index_1T < pad_B1 : null;

        Tensor? before_B1 = Before(cache, batch, device);
        Tensor tags_BT = segments_BT is not null ? segments_BT.to(ScalarType.Int64, device)
            : before_B1 is not null ? before_B1.clamp(0).expand(batch, length)
            : zeros([batch, length], ScalarType.Int64, device);
        if (pad_BT is not null)
        {
            tags_BT = tags_BT.masked_fill(pad_BT, -1);
        }

        Tensor? resets_BT = segments_BT is null ? null : Resets(tags_BT, before_B1);
        Tensor tags_BS = offset == 0 ? tags_BT : cat([cache!.Tags_BS ?? zeros([batch, offset], ScalarType.Int64, device), tags_BT], 1);
        return new(
            positions_BT?.MoveToOuterDisposeScope(),
            tags_BS.alias().MoveToOuterDisposeScope(),
            pad_BT?.logical_not().unsqueeze(-1).unsqueeze(-1).MoveToOuterDisposeScope(),
            resets_BT?.MoveToOuterDisposeScope());
    }

    /// <summary>Tag of the last token that the cache holds, (B,1); null where there is none.</summary>
    private static Tensor? Before(HybridCache? cache, long batch, Device device) =>
        cache is null || cache.Length == 0 ? null
        : cache.Tags_BS is { } tags ? tags.narrow(1, cache.Length - 1, 1)
        : zeros([batch, 1], ScalarType.Int64, device);

    private static Tensor Resets(Tensor tags_BT, Tensor? before_B1)
    {
        // The state before a row's first token is zero or of the document of the cache's last token.
        Tensor previous_BT = cat([before_B1 ?? tags_BT.narrow(1, 0, 1), tags_BT.narrow(1, 0, tags_BT.shape[1] - 1)], 1);
        return tags_BT != previous_BT;
    }
}
