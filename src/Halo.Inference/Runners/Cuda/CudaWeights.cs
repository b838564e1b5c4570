using Halo.Kernels;
using Halo.Kernels.Cuda;
using Halo.Kernels.Decoding;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>A model's weights as the decoding kernels want them: the model's own tensors, and what is computed of its configuration.</summary>
internal sealed class CudaWeights : IDisposable
{
    private readonly Dictionary<string, Parameter> _parameters;
    private readonly Tensor? _attentionFrequencies;
    private readonly Tensor? _lightningFrequencies;

    public CudaWeights(CausalLm model)
    {
        ModelConfiguration c = model.Configuration;
        _parameters = model.Parameters.ToDictionary(parameter => parameter.Name);
        Type = model.ComputeType;
        Embedding = Matrix("model.embed_tokens");
        Head = c.TieWordEmbeddings ? Embedding : Matrix("lm_head");
        FinalNorm_d = Vector("model.norm.weight")!;
        Tensor Floats(IEnumerable<float> values) => tensor(values.ToArray()).to(model.Device).DetachFromDisposeScope();
        _attentionFrequencies = c.AttnUseRope ? Floats(Rotary.Frequencies(c.HeadDim, c.RopeTheta, c.RopeScaling)) : null;
        bool hasLightning = c.MixerTypes.Contains(MixerType.Lightning);
        _lightningFrequencies = hasLightning && c.LightningUseRope ? Floats(Rotary.Frequencies(c.LightningHeadDim, c.RopeTheta, c.LightningRopeScaling)) : null;
        Slopes_H = hasLightning ? Floats(Lightning.Slopes(c.LightningNh).Select(slope => (float)slope)) : null;
        Layers = [.. Enumerable.Range(0, c.NumHiddenLayers).Select(index => Layer(c, index))];
    }

    public ScalarType Type { get; }

    public DecodeMatrix Embedding { get; }

    public DecodeMatrix Head { get; }

    public Tensor FinalNorm_d { get; }

    /// <summary>m_h of Lightning layers.</summary>
    public Tensor? Slopes_H { get; }

    public IReadOnlyList<DecodeLayer> Layers { get; }

    /// <summary>Why the kernels cannot run a model where it is; null if they can.</summary>
    public static string? WhyNot(CausalLm model)
    {
        ModelConfiguration c = model.Configuration;
        if (model.Device.type != DeviceType.CUDA)
        {
            return "the model is not on a GPU";
        }

        if (model.ComputeType is not (ScalarType.BFloat16 or ScalarType.Float32))
        {
            return "the decoding kernels compute in bfloat16 or float32";
        }

        if (model.Parameters.Any(one => one.Quantized is { } quantized ? quantized.Format != WeightFormat.Int8 : one.Value.dtype != model.ComputeType))
        {
            return "the decoding kernels take weights of the type that is computed in, or of 8 bits";
        }

        bool attentionFits = DecodeMixers.Fits(c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim) || !c.MixerTypes.Contains(MixerType.Attention);
        bool lightningFits = !c.MixerTypes.Contains(MixerType.Lightning) || (c.LightningHeadDim is 64 or 128 && c.LightningNh % c.LightningNkv == 0);
        if (!attentionFits || !lightningFits || c.MixerTypes.Any(mixer => mixer is not (MixerType.Attention or MixerType.Lightning)))
        {
            return "the decoding kernels know softmax and Lightning attention with heads of 64 or 128 values";
        }

        if (!DecodeProducts.Fits(c.HiddenSize) || !DecodeProducts.Fits(c.IntermediateSize))
        {
            return "the decoding kernels want widths of a multiple of 64";
        }

        Parameter any = model.Parameters[^1];
        using Tensor probe = (any.Quantized?.Codes ?? any.Value).alias();
        return CudaKernels.Serve(probe) ? null : CudaKernels.WhyNot ?? "the GPU is too old for the kernels";
    }

    public void Dispose()
    {
        _attentionFrequencies?.Dispose();
        _lightningFrequencies?.Dispose();
        Slopes_H?.Dispose();
    }

    private DecodeLayer Layer(ModelConfiguration c, int index)
    {
        bool attention = c.MixerTypes[index] == MixerType.Attention;
        string prefix = $"model.layers.{index}.", own = prefix + "self_attn.", gate = own + (attention ? "o_gate" : "z_proj");
        string[] inputs = [own + "q_proj", own + "k_proj", own + "v_proj", .. _parameters.ContainsKey(gate + ".weight") ? [gate] : Array.Empty<string>()];
        return new DecodeLayer
        {
            IsAttention = attention,
            Heads = new DecodeHeads
            {
                Heads = attention ? c.NumAttentionHeads : c.LightningNh,
                KeyHeads = attention ? c.NumKeyValueHeads : c.LightningNkv,
                Size = attention ? c.HeadDim : c.LightningHeadDim,
                QueryNorm_D = Vector(own + "q_norm.weight"),
                KeyNorm_D = Vector(own + "k_norm.weight"),
                Epsilon = (float)c.RmsNormEps,
                Frequencies = attention ? _attentionFrequencies : _lightningFrequencies,
                Amplitude = (float)((attention ? c.RopeScaling : c.LightningRopeScaling)?.Amplitude ?? 1),
            },
            Inputs = [.. inputs.Select(Matrix)],
            Output = Matrix(own + "o_proj"),
            GateUp = [Matrix(prefix + "mlp.gate_proj"), Matrix(prefix + "mlp.up_proj")],
            Down = Matrix(prefix + "mlp.down_proj"),
            InputNorm_d = Vector(prefix + "input_layernorm.weight")!,
            PostNorm_d = Vector(prefix + "post_attention_layernorm.weight")!,
            OutputNorm = Vector(own + "o_norm.weight"),
        };
    }

    private DecodeMatrix Matrix(string module)
    {
        Parameter weight = _parameters[module + ".weight"];
        Tensor? bias = Vector(module + ".bias");
        return weight.Quantized is { } quantized ? new DecodeMatrix(quantized.Codes, quantized.Scales, bias) : new DecodeMatrix(weight.Value, null, bias);
    }

    private Tensor? Vector(string name) => _parameters.GetValueOrDefault(name)?.Value;
}
