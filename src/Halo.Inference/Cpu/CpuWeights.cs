using Halo.Kernels.Cpu;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>A model's weights as the CPU's kernels read them. In 4 bits the embedding and the head have 8.</summary>
internal sealed unsafe class CpuWeights : IDisposable
{
    private readonly Func<string, Tensor> _read;
    private readonly IReadOnlyDictionary<string, long[]> _shapes;
    private readonly PackedFormat _format;
    private readonly WorkerPool _pool;

    /// <summary>Packs the weights one after the other.</summary>
    /// <param name="configuration">The model's configuration.</param>
    /// <param name="format">How matrices are kept.</param>
    /// <param name="read">A weight by its name, any type, on the CPU; it is disposed here.</param>
    /// <param name="pool">Who works.</param>
    public CpuWeights(ModelConfiguration configuration, PackedFormat format, Func<string, Tensor> read, WorkerPool pool)
    {
        (Configuration, _format, _read, _pool) = (configuration, format, read, pool);
        _shapes = CausalLm.Shapes(configuration);
        PackedFormat edge = format == PackedFormat.Int4 ? PackedFormat.Int8 : format;
        Embedding = Matrix(edge, "model.embed_tokens.weight");
        Head = configuration.TieWordEmbeddings ? Embedding : Matrix(edge, "lm_head.weight");
        FinalNorm = Vector("model.norm.weight")!;
        Layers = [.. Enumerable.Range(0, configuration.NumHiddenLayers).Select(Layer)];
    }

    public ModelConfiguration Configuration { get; }

    public PackedMatrix Embedding { get; }

    /// <summary>The embedding where tied.</summary>
    public PackedMatrix Head { get; }

    public NativeBlock FinalNorm { get; }

    public IReadOnlyList<CpuLayer> Layers { get; }

    /// <summary>Bytes that one token reads: all matrices, an embedding that is not the head left out.</summary>
    public long BytesPerToken => Head.Bytes + Layers.Sum(layer => layer.Bytes);

    /// <summary>Whether the kernels can run a model: heads of a multiple of 16.</summary>
    public static bool CanRun(ModelConfiguration configuration) => configuration.MixerTypes.All(mixer => mixer switch
    {
        MixerType.Attention => configuration.HeadDim % 16 == 0,
        MixerType.Lightning => configuration.LightningHeadDim % 16 == 0,
        _ => false,
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (CpuLayer layer in Layers)
        {
            layer.Dispose();
        }

        Embedding.Dispose();
        Head.Dispose();
        FinalNorm.Dispose();
    }

    private CpuLayer Layer(int index)
    {
        ModelConfiguration c = Configuration;
        bool attention = c.MixerTypes[index] == MixerType.Attention;
        string prefix = $"model.layers.{index}.", own = prefix + "self_attn.";
        string gate = own + (attention ? "o_gate" : "z_proj");
        bool hasGate = _shapes.ContainsKey(gate + ".weight");
        string[] inputs = [own + "q_proj", own + "k_proj", own + "v_proj", .. hasGate ? [gate] : Array.Empty<string>()];
        string[] both = [prefix + "mlp.gate_proj", prefix + "mlp.up_proj"];
        return new CpuLayer
        {
            IsAttention = attention,
            Heads = attention ? c.NumAttentionHeads : c.LightningNh,
            KeyHeads = attention ? c.NumKeyValueHeads : c.LightningNkv,
            Size = attention ? c.HeadDim : c.LightningHeadDim,
            HasGate = hasGate,
            Inputs = Matrix(_format, [.. inputs.Select(name => name + ".weight")]),
            InputBias = Bias(inputs),
            Output = Matrix(_format, own + "o_proj.weight"),
            OutputBias = Bias(own + "o_proj"),
            GateUp = Matrix(_format, [.. both.Select(name => name + ".weight")]),
            GateUpBias = Bias(both),
            Down = Matrix(_format, prefix + "mlp.down_proj.weight"),
            DownBias = Bias(prefix + "mlp.down_proj"),
            InputNorm = Vector(prefix + "input_layernorm.weight")!,
            PostNorm = Vector(prefix + "post_attention_layernorm.weight")!,
            QueryNorm = Vector(own + "q_norm.weight"),
            KeyNorm = Vector(own + "k_norm.weight"),
            OutputNorm = Vector(own + "o_norm.weight"),
        };
    }

    private PackedMatrix Matrix(PackedFormat format, params string[] names)
    {
        int columns = (int)_shapes[names[0]][1];
        var matrix = new PackedMatrix(format, (int)names.Sum(name => _shapes[name][0]), columns);
        int first = 0;
        foreach (string name in names)
        {
            using Tensor value = Floats(name);
            fixed (byte* bytes = value.bytes)
            {
                matrix.SetRows(_pool, first, (float*)bytes, (int)value.shape[0]);
            }

            first += (int)value.shape[0];
        }

        return matrix;
    }

    private NativeBlock? Vector(string name)
    {
        if (!_shapes.TryGetValue(name, out long[]? shape))
        {
            return null;
        }

        var block = new NativeBlock(shape[0] * sizeof(float));
        using Tensor value = Floats(name);
        value.bytes.CopyTo(new Span<byte>(block.Pointer, (int)block.Bytes));
        return block;
    }

    /// <summary>Biases of matrices that are one; zeros for those that have none.</summary>
    private NativeBlock? Bias(params string[] modules)
    {
        if (!modules.Any(module => _shapes.ContainsKey(module + ".bias")))
        {
            return null;
        }

        var block = new NativeBlock(modules.Sum(module => _shapes[module + ".weight"][0]) * sizeof(float));
        float* at = block.Floats;
        foreach (string module in modules)
        {
            if (_shapes.ContainsKey(module + ".bias"))
            {
                using Tensor value = Floats(module + ".bias");
                value.bytes.CopyTo(new Span<byte>(at, (int)value.NumberOfElements * sizeof(float)));
            }

            at += _shapes[module + ".weight"][0];
        }

        return block;
    }

    private Tensor Floats(string name)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using Tensor value = _read(name);
        return value.detach().to(ScalarType.Float32, CPU, copy: true).contiguous().DetachFromDisposeScope();
    }
}
