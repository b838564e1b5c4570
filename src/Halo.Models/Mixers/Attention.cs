using Halo.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Causal softmax attention with grouped key/value heads: query head i reads key/value head floor(i Hkv / H); scale D^-1/2.
/// QK-norm, RoPE, the sigmoid output gate and the scaling of queries by position are switches of the configuration.
/// </summary>
public sealed class Attention : IMixer
{
    private readonly int _index;
    private readonly int _heads;
    private readonly int _keyHeads;
    private readonly int _size;
    private readonly HeadProjections _projections;
    private readonly Linear _o;
    private readonly Linear? _gate;

    internal Attention(int index, ModelConfiguration configuration, Func<string, long[], Parameter> make)
    {
        _index = index;
        (_heads, _keyHeads, _size) = (configuration.NumAttentionHeads, configuration.NumKeyValueHeads, configuration.HeadDim);
        (int d, int queries) = (configuration.HiddenSize, _heads * _size);
        _projections = new HeadProjections(configuration, _heads, _keyHeads, _size, configuration.AttnUseQkNorm, make);
        _o = new Linear(make, "o_proj", d, queries, configuration.AttentionOutputBias);
        _gate = configuration.AttnUseOutputGate ? new Linear(make, "o_gate", queries, d) : null;
        Parameters = [.. _projections.Parameters, .. _o.Parameters, .. _gate?.Parameters ?? []];
    }

    /// <inheritdoc/>
    public MixerType Type => MixerType.Attention;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor normed_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        return _o.Forward(BeforeOutput(normed_BTd, context, context.Length)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    void IMixer.AddTo(Tensor sum_Bnd, Tensor normed_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        _o.AddTo(sum_Bnd, BeforeOutput(normed_BTd, context, sum_Bnd.shape[1]));
    }

    /// <summary>What Wo reads of the last tokens, (B,n,H D).</summary>
    private Tensor BeforeOutput(Tensor normed_BTd, LayerContext context, long last)
    {
        (Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD) = _projections.Forward(normed_BTd, context.AttentionAngles, context.QueryScale);
        Tensor q_BHTD = q_BTHD.transpose(1, 2), k_BHTD = k_BTHD.transpose(1, 2), v_BHTD = v_BTHD.transpose(1, 2);
        Tensor o_BTHD = (context.Parts is { } parts ? ByParts(q_BHTD, k_BHTD, v_BHTD, parts) : Mix(q_BHTD, k_BHTD, v_BHTD, context)).transpose(1, 2);
        Tensor o = LayerContext.Last(o_BTHD, last).reshape(context.Batch, last, _heads * _size);
        return _gate is null ? o : RmsNorm.Gated(null, o, _gate.Forward(LayerContext.Last(normed_BTd, last)));
    }

    private Tensor ByParts(Tensor q_BHTD, Tensor k_BHTD, Tensor v_BHTD, IReadOnlyList<LayerContext> parts)
    {
        var outputs = new List<Tensor>(parts.Count);
        long start = 0;
        foreach (LayerContext part in parts)
        {
            Tensor Rows(Tensor x) => x.narrow(0, start, part.Batch);
            outputs.Add(Mix(Rows(q_BHTD), Rows(k_BHTD), Rows(v_BHTD), part));
            start += part.Batch;
        }

        return cat(outputs, 0);
    }

    private Tensor Mix(Tensor q_BHTD, Tensor k_BHTD, Tensor v_BHTD, LayerContext context)
    {
        if (context.RoundsKeyValues)
        {
            (k_BHTD, v_BHTD) = (KeyValueCodes.Rounded(k_BHTD), KeyValueCodes.Rounded(v_BHTD));
        }

        (Tensor k_BHSD, Tensor v_BHSD) = context.Cache?.Append(_index, k_BHTD, v_BHTD) ?? (k_BHTD, v_BHTD);
        return context.Length == 1 ? Single(q_BHTD, k_BHSD, v_BHSD, context) : Softmax(q_BHTD, k_BHSD, v_BHSD, context);
    }

    /// <summary>One query: the heads that share a key head stand in the place of its tokens, so that nothing is repeated.</summary>
    private Tensor Single(Tensor q_BHTD, Tensor k_BHSD, Tensor v_BHSD, LayerContext context)
    {
        Tensor q_BKGD = q_BHTD.reshape(context.Batch, _keyHeads, _heads / _keyHeads, _size);
        return nn.functional.scaled_dot_product_attention(q_BKGD, k_BHSD, v_BHSD, context.Mask(0, 1), 0, false).reshape(context.Batch, _heads, 1, _size);
    }

    private Tensor Softmax(Tensor q_BHTD, Tensor k_BHSD, Tensor v_BHSD, LayerContext context)
    {
        if (context.IsRectangle && !q_BHTD.requires_grad && AttentionPart.Has(q_BHTD))
        {
            return Rectangle(q_BHTD, k_BHSD, v_BHSD, context.Offset);
        }

        if (!context.IsMasked && Fused.HasAttention(q_BHTD))
        {
            return Fused.Attention(q_BHTD, k_BHSD, v_BHSD, context.IsCausal);
        }

        Tensor k = Repeat(k_BHSD), v = Repeat(v_BHSD);
        long block = context.QueryBlock;
        if (block >= context.Length)
        {
            return nn.functional.scaled_dot_product_attention(q_BHTD, k, v, context.Mask(0, context.Length), 0, context.IsCausal);
        }

        var parts = new List<Tensor>();
        for (long start = 0; start < context.Length; start += block)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(block, context.Length - start);
            Tensor part = nn.functional.scaled_dot_product_attention(q_BHTD.narrow(2, start, count), k, v, context.Mask(start, count), 0, false);
            parts.Add(part.MoveToOuterDisposeScope());
        }

        return cat(parts, 2);
    }

    /// <summary>
    /// New tokens after others: all queries over the old keys, piece by piece, where nothing is masked and the heads that share a key head stand behind one another
    /// as tokens, and the causal square of the new ones; joined by the sums of their exponentials.
    /// </summary>
    private Tensor Rectangle(Tensor q_BHTD, Tensor k_BHSD, Tensor v_BHSD, long offset)
    {
        (long batch, long length) = (q_BHTD.shape[0], q_BHTD.shape[2]);
        Tensor newK_BKTD = k_BHSD.narrow(2, offset, length), newV_BKTD = v_BHSD.narrow(2, offset, length);
        long padded = AttentionPart.UsualLength(q_BHTD);
        if (padded > length)
        {
            // What comes last is seen by nobody before it.
            Tensor Pad(Tensor x) => nn.functional.pad(x, [0, 0, 0, padded - length]);
            (q_BHTD, newK_BKTD, newV_BKTD) = (Pad(q_BHTD), Pad(newK_BKTD), Pad(newV_BKTD));
        }

        (Tensor o_BHTD, Tensor sum_BHT) = AttentionPart.Of(q_BHTD, newK_BKTD, newV_BKTD, true);
        Tensor q_BKND = q_BHTD.reshape(batch, _keyHeads, _heads / _keyHeads * padded, _size);
        foreach ((long start, long count) in KeyPieces.Of(offset))
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor piece_BKND, Tensor piece_BKN) = AttentionPart.Of(q_BKND, k_BHSD.narrow(2, start, count), v_BHSD.narrow(2, start, count), false);
            AttentionJoin.Apply(o_BHTD, sum_BHT, piece_BKND, piece_BKN);
        }

        return o_BHTD.narrow(2, 0, length);
    }

    private Tensor Repeat(Tensor x_BHSD) => HeadGroups.Repeat(x_BHSD, 1, _heads / _keyHeads);
}
