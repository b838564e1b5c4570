using Halo.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Lightning attention layer of HypeNet (arXiv 2601.22156): <c>S_t = exp(-m_h) S_{t-1} + k_t^T v_t</c>, <c>o_t = c q_t S_t</c>,
/// then one RMSNorm over all heads together, a sigmoid output gate, and Wo. QK-norm, RoPE, output norm and gate are switches of the configuration.
/// </summary>
public sealed class LightningAttention : IMixer
{
    private const int Chunk = 128;
    private readonly int _index;
    private readonly int _heads;
    private readonly int _keyHeads;
    private readonly int _size;
    private readonly double _scale;
    private readonly double[] _slopes;
    private readonly HeadProjections _projections;
    private readonly Linear _o;
    private readonly RmsNorm? _oNorm;
    private readonly Linear? _gate;

    internal LightningAttention(int index, ModelConfiguration configuration, Func<string, long[], Parameter> make)
    {
        _index = index;
        (_heads, _keyHeads, _size) = (configuration.LightningNh, configuration.LightningNkv, configuration.LightningHeadDim);
        _scale = configuration.LightningScaleValue;
        _slopes = LightningSlopes.Of(_heads);
        (int d, int queries) = (configuration.HiddenSize, _heads * _size);
        _projections = new HeadProjections(configuration, _heads, _keyHeads, _size, configuration.LightningUseQkNorm, make);
        _o = new Linear(make, "o_proj", d, queries, configuration.AttentionOutputBias);
        _oNorm = configuration.LightningUseOutputNorm ? new RmsNorm(make("o_norm.weight", [queries]), configuration.RmsNormEps) : null;
        _gate = configuration.LightningUseOutputGate ? new Linear(make, "z_proj", queries, d) : null;
        Parameters = [.. _projections.Parameters, .. _o.Parameters, .. new[] { _oNorm?.Weight }.OfType<Parameter>(), .. _gate?.Parameters ?? []];
    }

    /// <inheritdoc/>
    public MixerType Type => MixerType.Lightning;

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
        (Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD) = _projections.Forward(normed_BTd, context.LightningAngles);
        if (context.Real_BT11 is { } real)
        {
            k_BTHD = k_BTHD * real; // Pads in front leave the state at zero.
        }

        k_BTHD = HeadGroups.Repeat(k_BTHD, 2, _heads / _keyHeads);
        v_BTHD = HeadGroups.Repeat(v_BTHD, 2, _heads / _keyHeads);
        Tensor o = LayerContext.Last(Mix(q_BTHD, k_BTHD, v_BTHD, context), last).reshape(context.Batch, last, _heads * _size);
        return _gate is not null ? RmsNorm.Gated(_oNorm, o, _gate.Forward(LayerContext.Last(normed_BTd, last))) : _oNorm?.Forward(o) ?? o;
    }

    private Tensor Mix(Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, LayerContext context)
    {
        if (context.Cache is not { } cache)
        {
            return Lightning.Chunked(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, null, context.Resets_BT, Chunk, wantState: false).O_BTHD;
        }

        Tensor? before = cache.State(_index);
        (Tensor o, Tensor? after) = context.Length == 1
            ? Lightning.Recurrent(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, before, context.Resets_BT)
            : Lightning.Chunked(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, before, context.Resets_BT, Chunk);
        cache.SetState(_index, after!);
        return o;
    }
}
