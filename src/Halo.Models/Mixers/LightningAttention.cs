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
    private readonly Linear _q;
    private readonly Linear _k;
    private readonly Linear _v;
    private readonly Linear _o;
    private readonly RmsNorm? _qNorm;
    private readonly RmsNorm? _kNorm;
    private readonly RmsNorm? _oNorm;
    private readonly Linear? _gate;

    internal LightningAttention(int index, ModelConfiguration configuration, Func<string, long[], Parameter> make)
    {
        _index = index;
        (_heads, _keyHeads, _size) = (configuration.LightningNh, configuration.LightningNkv, configuration.LightningHeadDim);
        _scale = configuration.LightningScaleValue;
        _slopes = LightningSlopes.Of(_heads);
        int d = configuration.HiddenSize, queries = _heads * _size, keys = _keyHeads * _size;
        double epsilon = configuration.RmsNormEps;
        _q = new Linear(make("q_proj", [queries, d]));
        _k = new Linear(make("k_proj", [keys, d]));
        _v = new Linear(make("v_proj", [keys, d]));
        _o = new Linear(make("o_proj", [d, queries]));
        if (configuration.LightningUseQkNorm)
        {
            _qNorm = new RmsNorm(make("q_norm", [_size]), epsilon);
            _kNorm = new RmsNorm(make("k_norm", [_size]), epsilon);
        }

        _oNorm = configuration.LightningUseOutputNorm ? new RmsNorm(make("o_norm", [queries]), epsilon) : null;
        _gate = configuration.LightningUseOutputGate ? new Linear(make("z_proj", [queries, d])) : null;
        Parameter?[] all = [_q.Weight, _k.Weight, _v.Weight, _o.Weight, _qNorm?.Weight, _kNorm?.Weight, _oNorm?.Weight, _gate?.Weight];
        Parameters = [.. all.OfType<Parameter>()];
    }

    /// <inheritdoc/>
    public MixerType Type => MixerType.Lightning;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor normed_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        (long batch, long length) = (context.Batch, context.Length);
        Tensor q_BTHD = _q.Forward(normed_BTd).view(batch, length, _heads, _size);
        Tensor k_BTHD = _k.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        Tensor v_BTHD = _v.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        q_BTHD = _qNorm?.Forward(q_BTHD) ?? q_BTHD;
        k_BTHD = _kNorm?.Forward(k_BTHD) ?? k_BTHD;
        if (context.LightningAngles is { } angles)
        {
            q_BTHD = Rotary.Apply(q_BTHD, angles);
            k_BTHD = Rotary.Apply(k_BTHD, angles);
        }

        if (context.Real_BT11 is { } real)
        {
            k_BTHD = k_BTHD * real; // Pads in front leave the state at zero.
        }

        k_BTHD = HeadGroups.Repeat(k_BTHD, 2, _heads / _keyHeads);
        v_BTHD = HeadGroups.Repeat(v_BTHD, 2, _heads / _keyHeads);
        Tensor o = Mix(q_BTHD, k_BTHD, v_BTHD, context).reshape(batch, length, _heads * _size);
        o = _oNorm?.Forward(o) ?? o;
        if (_gate is not null)
        {
            o = o * _gate.Forward(normed_BTd).sigmoid();
        }

        return _o.Forward(o).MoveToOuterDisposeScope();
    }

    private Tensor Mix(Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, LayerContext context)
    {
        if (context.Cache is not { } cache)
        {
            return Lightning.Chunked(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, null, context.Resets_BT, Chunk, wantState: false).O_BTHD;
        }

        Tensor? before = cache.Length == 0 ? null : cache.State(_index);
        (Tensor o, Tensor? after) = context.Length == 1
            ? Lightning.Recurrent(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, before, context.Resets_BT)
            : Lightning.Chunked(q_BTHD, k_BTHD, v_BTHD, _slopes, _scale, before, context.Resets_BT, Chunk);
        cache.SetState(_index, after!);
        return o;
    }
}
