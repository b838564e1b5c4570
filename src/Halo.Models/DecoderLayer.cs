using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A pre-norm layer: <c>h = x + Mixer(RMSNorm(x))</c>, <c>y = h + Mlp(RMSNorm(h))</c>.</summary>
public sealed class DecoderLayer
{
    private readonly RmsNorm _inputNorm;
    private readonly RmsNorm _postNorm;

    internal DecoderLayer(int index, ModelConfiguration configuration, Func<string, long[], Parameter> make)
    {
        Index = index;
        string prefix = $"model.layers.{index}.";
        int d = configuration.HiddenSize;
        _inputNorm = new RmsNorm(make(prefix + "input_layernorm.weight", [d]), configuration.RmsNormEps);
        _postNorm = new RmsNorm(make(prefix + "post_attention_layernorm.weight", [d]), configuration.RmsNormEps);
        Func<string, long[], Parameter> own = (name, shape) => make($"{prefix}self_attn.{name}", shape);
        Mixer = configuration.MixerTypes[index] == MixerType.Attention
            ? new Attention(index, configuration, own)
            : new LightningAttention(index, configuration, own);
        Mlp = new Mlp(configuration, (name, shape) => make($"{prefix}mlp.{name}", shape));
    }

    /// <summary>0-based place in the model.</summary>
    public int Index { get; }

    /// <summary>What mixes tokens.</summary>
    public IMixer Mixer { get; }

    /// <summary>The MLP.</summary>
    public Mlp Mlp { get; }

    /// <summary>All weights of the layer.</summary>
    public IReadOnlyList<Parameter> Parameters =>
        [_inputNorm.Weight, .. Mixer.Parameters, _postNorm.Weight, .. Mlp.Parameters];

    /// <summary>The whole layer, (B,T,d) to (B,T,d).</summary>
    public Tensor Forward(Tensor x_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        return AfterMixer(x_BTd, Mixer.Forward(InputNorm(x_BTd), context)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same where the input lies, which the caller alone holds: both residuals are added within the products, so that no pass over memory is theirs.
    /// They are rounded once, where <see cref="Forward"/> rounds product and sum. No gradients are formed.
    /// </summary>
    /// <param name="x_BTd">Contiguous; the output takes its place.</param>
    /// <param name="context">Positions, masks and cache of this call.</param>
    /// <param name="last">n, the tokens whose output is wanted; the others go no further than into the mixer.</param>
    /// <returns>The output of the last tokens, (B,n,d), which may share the memory of the input.</returns>
    internal Tensor ForwardInPlace(Tensor x_BTd, LayerContext context, long last)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed_BTd = InputNorm(x_BTd), sum_Bnd = LayerContext.Last(x_BTd, last).contiguous();
        Mixer.AddTo(sum_Bnd, normed_BTd, context);
        Mlp.AddTo(sum_Bnd, _postNorm.Forward(sum_Bnd));
        return sum_Bnd.alias().MoveToOuterDisposeScope();
    }

    /// <summary>What the mixer reads.</summary>
    public Tensor InputNorm(Tensor x_BTd) => _inputNorm.Forward(x_BTd);

    /// <summary>The rest of the layer: both residuals and the MLP.</summary>
    /// <param name="x_BTd">Input of the layer.</param>
    /// <param name="mixed_BTd">Output of the mixer.</param>
    public Tensor AfterMixer(Tensor x_BTd, Tensor mixed_BTd)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor h_BTd, Tensor normed_BTd) = _postNorm.ForwardAdded(x_BTd, mixed_BTd);
        return (h_BTd + Mlp.Forward(normed_BTd)).MoveToOuterDisposeScope();
    }
}
