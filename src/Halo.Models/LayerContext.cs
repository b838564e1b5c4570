using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// What all layers of one call share: positions, masks, cache. Its tensors belong to the dispose scope in which it was made.
/// T tokens are read after <see cref="Offset"/> tokens of the cache: S = Offset + T keys.
/// </summary>
public sealed class LayerContext
{
    // Masks up to this many entries are made once for all layers; above it each layer makes them for a block of queries at a time.
    private const long MostMask = 1L << 25;
    private readonly Tensor? _mask;
    private readonly Device _device;
    private readonly Tensor? _last_BT;

    internal LayerContext(long batch, long length, ILayerCache? cache, long offset, Device device, LayoutTensors layout, bool ragged = false)
    {
        Batch = batch;
        Length = length;
        Cache = cache;
        Offset = offset;
        _last_BT = ragged ? layout.Positions_BT : null;
        Resets_BT = layout.Resets_BT;
        Real_BT11 = layout.Real_BT11;
        Tags_BS = layout.Tags_BS;
        _device = device;
        IsCausal = Tags_BS is null && Offset == 0 && length > 1;
        IsMasked = Tags_BS is not null || ragged || (Offset > 0 && length > 1);
        IsRectangle = Tags_BS is null && !ragged && Offset > 0 && length > 1;
        if (IsMasked && !IsRectangle && MaskRows * length * (Offset + length) <= MostMask)
        {
            _mask = MakeMask(0, length);
        }
    }

    /// <summary>B.</summary>
    public long Batch { get; }

    /// <summary>T, tokens of this call.</summary>
    public long Length { get; }

    /// <summary>Tokens that the cache held before this call: those of the longest row where they differ.</summary>
    public long Offset { get; }

    /// <summary>Angles for attention layers, or null without RoPE there.</summary>
    public RotaryAngles? AttentionAngles { get; internal init; }

    /// <summary>Angles for Lightning layers, or null without RoPE there.</summary>
    public RotaryAngles? LightningAngles { get; internal init; }

    /// <summary>s_t for attention queries, float32, (1 or B, T, 1, 1); null for 1.</summary>
    public Tensor? QueryScale { get; internal init; }

    /// <summary>True where a document starts, (B,T); null for nowhere.</summary>
    public Tensor? Resets_BT { get; }

    /// <summary>False at pads, (B,T,1,1); null where this call has none.</summary>
    public Tensor? Real_BT11 { get; }

    /// <summary>Whether attention is the plain causal square.</summary>
    public bool IsCausal { get; }

    /// <summary>Whether attention needs an explicit mask.</summary>
    public bool IsMasked { get; }

    /// <summary>The cache, or null.</summary>
    internal ILayerCache? Cache { get; }

    /// <summary>Whether keys and values are to be rounded to what a cache of few bits would give back.</summary>
    internal bool RoundsKeyValues { get; init; }

    /// <summary>Neighbouring rows whose attention is computed apart, each with a context of its own; null where all rows go together.</summary>
    internal IReadOnlyList<LayerContext>? Parts { get; init; }

    /// <summary>Whether attention is that of new tokens after others, the same number in all rows.</summary>
    internal bool IsRectangle { get; }

    /// <summary>Document of each key, -1 for pads, (B,S); null where all keys are of one document.</summary>
    internal Tensor? Tags_BS { get; }

    private long MaskRows => Tags_BS is null && _last_BT is null ? 1 : Batch;

    /// <summary>Queries that are to be taken at once so that the mask stays small.</summary>
    public long QueryBlock => !IsMasked || _mask is not null ? Length : Math.Max(16, MostMask / (MaskRows * (Offset + Length)));

    /// <summary>True where query t (of <paramref name="count"/> from <paramref name="start"/>) may see key s: (1 or B, 1, count, S); null where no mask is needed.</summary>
    public Tensor? Mask(long start, long count) =>
        !IsMasked ? null : _mask is null ? MakeMask(start, count) : start == 0 && count == Length ? _mask : _mask.narrow(2, start, count);

    /// <summary>The last tokens of (B,T,...).</summary>
    internal static Tensor Last(Tensor x_BTd, long count) => count == x_BTd.shape[1] ? x_BTd : x_BTd.narrow(1, x_BTd.shape[1] - count, count);

    private Tensor MakeMask(long start, long count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor key_1S = arange(Offset + Length, ScalarType.Int64, _device).unsqueeze(0);
        Tensor query_BT1 = _last_BT?.narrow(1, start, count).unsqueeze(2) ?? arange(Offset + start, Offset + start + count, ScalarType.Int64, _device).view(1, count, 1);
        Tensor mask = key_1S <= query_BT1;
        if (Tags_BS is not null)
        {
            // Pads see pads, so that no row of the softmax is empty.
            mask = mask.logical_and(Tags_BS.narrow(1, Offset + start, count).unsqueeze(2) == Tags_BS.unsqueeze(1));
        }

        return mask.unsqueeze(1).MoveToOuterDisposeScope();
    }
}
