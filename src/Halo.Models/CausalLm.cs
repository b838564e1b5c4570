using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// A decoder with a language-modelling head: embedding, layers, final RMSNorm, head. B batch, T tokens, d hidden size, V vocabulary.
/// Parameters may be float32 while <see cref="ComputeType"/> is bfloat16: each product casts its weight at use, so that gradients arrive in the parameter's type.
/// </summary>
public sealed partial class CausalLm : IDisposable
{
    private readonly Parameter _embedding;
    private readonly Parameter? _head;
    private readonly RmsNorm _norm;
    private readonly Rotary? _attentionRotary;
    private readonly Rotary? _lightningRotary;

    private CausalLm(ModelConfiguration configuration, Device device, ScalarType type)
    {
        Configuration = configuration;
        Device = device;
        ComputeType = type;
        LogitsScaling = configuration.AttnLogitsScaling;
        var all = new List<Parameter>();
        Parameter Make(string name, long[] shape)
        {
            var made = new Parameter(name, shape);
            all.Add(made);
            return made;
        }

        _embedding = Make("model.embed_tokens.weight", [configuration.VocabSize, configuration.HiddenSize]);
        Layers = [.. Enumerable.Range(0, configuration.NumHiddenLayers).Select(index => new DecoderLayer(index, configuration, Make))];
        _norm = new RmsNorm(Make("model.norm.weight", [configuration.HiddenSize]), configuration.RmsNormEps);
        _head = configuration.TieWordEmbeddings ? null : Make("lm_head.weight", [configuration.VocabSize, configuration.HiddenSize]);
        Parameters = all;

        bool Has(MixerType mixer) => configuration.MixerTypes.Contains(mixer);
        if (device.type != DeviceType.META)
        {
            _attentionRotary = configuration.AttnUseRope && Has(MixerType.Attention)
                ? new Rotary(configuration.HeadDim, configuration.RopeTheta, configuration.RopeScaling, device) : null;
            _lightningRotary = configuration.LightningUseRope && Has(MixerType.Lightning)
                ? new Rotary(configuration.LightningHeadDim, configuration.RopeTheta, configuration.LightningRopeScaling, device) : null;
        }
    }

    /// <summary>The configuration.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Where the parameters lie.</summary>
    public Device Device { get; }

    /// <summary>All weights, in the order of the model.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The layers.</summary>
    public IReadOnlyList<DecoderLayer> Layers { get; }

    /// <summary>Type of products and of the residual stream: float32, bfloat16 or float16.</summary>
    public ScalarType ComputeType { get; set; }

    /// <summary>How keys and values are kept. With 8 bits every computation sees them rounded, whether there is a cache or not, so that what is measured holds for what is written.</summary>
    public CacheFormat CacheFormat { get; set; }

    /// <summary>Scaling of attention queries by position; starts as the configuration has it, and may be changed to search for a.</summary>
    public LogitsScaling? LogitsScaling { get; set; }

    /// <summary>The head's weight, (V,d), in the parameters' type: the embedding where tied.</summary>
    public Tensor Head => HeadParameter.Value;

    /// <summary>The parameter of the head: that of the embedding where tied.</summary>
    public Parameter HeadParameter => _head ?? _embedding;

    /// <summary>Name and shape of each tensor of a model, without making any.</summary>
    public static IReadOnlyDictionary<string, long[]> Shapes(ModelConfiguration configuration)
    {
        using var shape = new CausalLm(configuration, new Device(DeviceType.META), ScalarType.Float32);
        return shape.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Shape.ToArray());
    }

    /// <summary>Number of parameters of a model, a tied head counted once.</summary>
    public static long ParameterCount(ModelConfiguration configuration) =>
        Shapes(configuration).Values.Sum(shape => shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>Reads a Hugging Face model folder.</summary>
    /// <param name="folder">config.json and weights.</param>
    /// <param name="device">Where to put them.</param>
    /// <param name="type">Type of the parameters, and of computing until changed.</param>
    /// <exception cref="HaloException">A file is missing or broken, tensors do not fit the configuration, or a weight is not finite.</exception>
    public static CausalLm Load(string folder, Device device, ScalarType type) => Load(folder, ModelConfiguration.Load(folder), device, type);

    /// <summary>Reads the weights of a folder under another configuration than its own (YaRN, for example).</summary>
    /// <inheritdoc cref="Load(string, Device, ScalarType)"/>
    /// <param name="folder">The folder.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="device">Where to put the weights.</param>
    /// <param name="type">Type of the parameters, and of computing until changed.</param>
    public static CausalLm Load(string folder, ModelConfiguration configuration, Device device, ScalarType type)
    {
        LibTorch.Initialize();
        using WeightFolder weights = WeightFolder.Open(folder);
        WeightCheck.Verify(Shapes(configuration), weights);
        var model = new CausalLm(configuration, device, type);
        try
        {
            foreach (Parameter parameter in model.Parameters)
            {
                parameter.Value = weights.Read(parameter.Name, type, device).DetachFromDisposeScope();
                RequireFinite(parameter.Name, parameter.Value, folder);
            }

            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A model with weights of normal(0, 0.02), norms 1, biases 0; the same for the same seed on every device.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="device">Where to put the weights.</param>
    /// <param name="parameterType">Type of the parameters, and of computing until changed.</param>
    /// <param name="seed">Seed.</param>
    public static CausalLm Create(ModelConfiguration configuration, Device device, ScalarType parameterType, long seed)
    {
        LibTorch.Initialize();
        var model = new CausalLm(configuration, device, parameterType);
        using var generator = new Generator((ulong)seed);
        foreach (Parameter parameter in model.Parameters)
        {
            using Tensor value = empty([.. parameter.Shape], ScalarType.Float32);
            if (parameter.Shape.Count == 1)
            {
                value.fill_(parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1);
            }
            else
            {
                value.normal_(0, 0.02, generator);
            }

            parameter.Value = value.to(parameterType, device, copy: true).DetachFromDisposeScope();
        }

        return model;
    }

    /// <summary>A model of tensors that exist already; they are shared, so a model of another's tensors must not be disposed.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="device">Where the tensors lie.</param>
    /// <param name="computeType">Type of products.</param>
    /// <param name="value">The tensor of each parameter, by name and shape.</param>
    public static CausalLm Of(ModelConfiguration configuration, Device device, ScalarType computeType, Func<string, IReadOnlyList<long>, Tensor> value)
    {
        LibTorch.Initialize();
        var model = new CausalLm(configuration, device, computeType);
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value = value(parameter.Name, parameter.Shape);
        }

        return model;
    }

    /// <summary>Writes config.json and the weights as a Hugging Face folder.</summary>
    /// <param name="folder">Made where missing.</param>
    /// <param name="type">Type of the stored weights.</param>
    /// <param name="maxShardBytes">Largest weight file.</param>
    public void Save(string folder, ScalarType type, long maxShardBytes = 5L << 30)
    {
        SaveWeights(folder, type, maxShardBytes);
        Configuration.Save(folder);
    }

    /// <summary>Writes the weights alone.</summary>
    /// <inheritdoc cref="Save"/>
    public void SaveWeights(string folder, ScalarType type, long maxShardBytes = 5L << 30)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.WriteSharded(folder, [.. Parameters.Select(parameter => (parameter.Name, parameter.Value.detach().to(type, CPU)))], maxShardBytes);
    }

    /// <summary>Embeddings in the compute type, (B,T,d).</summary>
    public Tensor Embed(Tensor ids_BT)
    {
        using DisposeScope scope = NewDisposeScope();
        return _embedding.Rows(ids_BT.reshape(-1), ComputeType).view(ids_BT.shape[0], ids_BT.shape[1], Configuration.HiddenSize).MoveToOuterDisposeScope();
    }

    /// <summary>One layer, (B,T,d) to (B,T,d).</summary>
    public Tensor LayerForward(int layer, Tensor x_BTd, LayerContext context) => Layers[layer].Forward(x_BTd, context);

    /// <summary>The norm after the last layer.</summary>
    public Tensor FinalNorm(Tensor x_BTd) => _norm.Forward(x_BTd);

    /// <summary>Output of the final norm, (B,T,d), in the compute type.</summary>
    /// <param name="ids_BT">Token ids, int64, on the model's device.</param>
    /// <param name="layout">Pads and documents; null for none.</param>
    /// <param name="cache">Read and extended; null for none. Gradients do not flow into it.</param>
    public Tensor Hidden(Tensor ids_BT, SequenceLayout? layout = null, HybridCache? cache = null)
    {
        using DisposeScope scope = NewDisposeScope();
        LayerContext context = Context(ids_BT, layout, cache);
        Tensor hidden = HiddenIn(context, ids_BT);
        cache?.Advance(context);
        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Logits in float32 from a product in the compute type, (..., d) to (..., V).</summary>
    public Tensor Logits(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        return HeadParameter.Multiply(hidden).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Rounds all matrices, embedding and head among them, to few bits; the model can then be read with, but neither trained nor saved.</summary>
    /// <param name="format">How; a matrix that the format does not fit stays as it is.</param>
    public void Quantize(WeightFormat format)
    {
        foreach (Parameter parameter in Parameters.Where(parameter => parameter.HasValue && QuantizedWeight.Fits(parameter.Shape, format)))
        {
            parameter.Quantize(format);
        }
    }

    /// <summary>Frees the weights and tables.</summary>
    public void Dispose()
    {
        foreach (Parameter parameter in Parameters)
        {
            parameter.Free();
        }

        _attentionRotary?.Dispose();
        _lightningRotary?.Dispose();
    }

    /// <summary>Refuses weights that are no numbers.</summary>
    internal static void RequireFinite(string name, Tensor value, string folder)
    {
        using DisposeScope scope = NewDisposeScope();
        if (!value.isfinite().all().item<bool>())
        {
            throw new HaloException($"the tensor '{name}' holds values that are not finite", folder, "the file is damaged or its training diverged: use another copy or an earlier checkpoint");
        }
    }
}
