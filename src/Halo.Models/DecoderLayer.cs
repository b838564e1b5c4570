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
        int d = configuration.HiddenSize, ffn = configuration.IntermediateSize;
        _inputNorm = new RmsNorm(make(prefix + "input_layernorm.weight", [d]), configuration.RmsNormEps);
        _postNorm = new RmsNorm(make(prefix + "post_attention_layernorm.weight", [d]), configuration.RmsNormEps);
        Parameter Own(string name, long[] shape) => make($"{prefix}self_attn.{name}.weight", shape);
        Mixer = configuration.MixerTypes[index] == MixerType.Attention
            ? new Attention(index, configuration, Own)
            : new LightningAttention(index, configuration, Own);
        Mlp = new Mlp(
            make(prefix + "mlp.gate_proj.weight", [ffn, d]), make(prefix + "mlp.up_proj.weight", [ffn, d]), make(prefix + "mlp.down_proj.weight", [d, ffn]));
    }

    /// <summary>0-based place in the model.</summary>
    public int Index { get; }

    /// <summary>What mixes tokens.</summary>
    public IMixer Mixer { get; }

    /// <summary>The MLP.</summary>
    public Mlp Mlp { get; }

    /// <summary>All weights of the layer.</summary>
    public IReadOnlyList<Parameter> Parameters =>
        [_inputNorm.Weight, .. Mixer.Parameters, _postNorm.Weight, Mlp.Gate.Weight, Mlp.Up.Weight, Mlp.Down.Weight];

    /// <summary>The whole layer, (B,T,d) to (B,T,d).</summary>
    public Tensor Forward(Tensor x_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        return AfterMixer(x_BTd, Mixer.Forward(InputNorm(x_BTd), context)).MoveToOuterDisposeScope();
    }

    /// <summary>What the mixer reads.</summary>
    public Tensor InputNorm(Tensor x_BTd) => _inputNorm.Forward(x_BTd);

    /// <summary>The rest of the layer: both residuals and the MLP.</summary>
    /// <param name="x_BTd">Input of the layer.</param>
    /// <param name="mixed_BTd">Output of the mixer.</param>
    public Tensor AfterMixer(Tensor x_BTd, Tensor mixed_BTd)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = x_BTd + mixed_BTd;
        return (h + Mlp.Forward(_postNorm.Forward(h))).MoveToOuterDisposeScope();
    }
}
