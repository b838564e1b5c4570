using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;
using static TorchSharp.torch;

namespace Halo.Importing;

/// <summary>A model of llama2.c: seven int32 (dim, hidden, layers, heads, key/value heads, vocabulary, length; a negative vocabulary means an own head), then float32 weights.</summary>
internal sealed class Llama2cModel : IImportedModel
{
    private const int HeaderBytes = 28;
    private const string Remedy = "give a version-0 checkpoint of llama2.c";
    private readonly string _path;
    private readonly List<TensorSource> _tensors = [];
    private readonly long _size;
    private long _offset = HeaderBytes;

    public Llama2cModel(string path)
    {
        _path = path;
        int[] header = new int[7];
        try
        {
            using var reader = new BinaryReader(File.OpenRead(path));
            _size = reader.BaseStream.Length;
            if (_size < HeaderBytes)
            {
                throw new HaloException("the file is shorter than its header", path, Remedy);
            }

            for (int i = 0; i < header.Length; i++)
            {
                header[i] = reader.ReadInt32();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path and its permissions", error);
        }

        (long d, long ffn, long layers, long heads, long keyHeads, long length) = (header[0], header[1], header[2], header[3], header[4], header[6]);
        long vocabulary = Math.Abs((long)header[5]);
        if (new[] { d, ffn, layers, heads, keyHeads, vocabulary, length }.Any(value => value is < 1 or > 1 << 24) || d % heads != 0 || heads % keyHeads != 0 || d / heads % 2 != 0)
        {
            throw new HaloException($"the header ({string.Join(", ", header)}) is not one of llama2.c", path, Remedy);
        }

        long head = d / heads, keys = keyHeads * head;
        Add("model.embed_tokens.weight", vocabulary, d);
        AddLayers(layers, "input_layernorm", 0, d);
        AddLayers(layers, "self_attn.q_proj", heads, d, d);
        AddLayers(layers, "self_attn.k_proj", keyHeads, keys, d);
        AddLayers(layers, "self_attn.v_proj", 0, keys, d);
        AddLayers(layers, "self_attn.o_proj", 0, d, d);
        AddLayers(layers, "post_attention_layernorm", 0, d);
        AddLayers(layers, "mlp.gate_proj", 0, ffn, d);
        AddLayers(layers, "mlp.down_proj", 0, d, ffn);
        AddLayers(layers, "mlp.up_proj", 0, ffn, d);
        Add("model.norm.weight", d);
        _offset += length * head * sizeof(float); // Tables of cos and sin that nobody reads any more.
        if (header[5] < 0)
        {
            Add("lm_head.weight", vocabulary, d);
        }

        if (_offset != _size)
        {
            throw new HaloException($"the file has {_size:N0} bytes, its header asks for {_offset:N0}", path, Remedy);
        }

        // Last: only now are the sizes known to be true.
        Configuration = ModelConfiguration.Parse(
            JsonNode.Parse($$"""
                {
                  "model_type": "llama", "vocab_size": {{vocabulary}}, "hidden_size": {{d}}, "intermediate_size": {{ffn}}, "num_hidden_layers": {{layers}}, "num_attention_heads": {{heads}},
                  "num_key_value_heads": {{keyHeads}}, "head_dim": {{d / heads}}, "rms_norm_eps": 1e-5, "rope_theta": 10000, "max_position_embeddings": {{length}},
                  "tie_word_embeddings": {{(header[5] > 0 ? "true" : "false")}}, "bos_token_id": 1, "eos_token_id": 2
                }
                """)!.AsObject(),
            path);
    }

    public ModelConfiguration Configuration { get; }

    public IReadOnlyList<TensorSource> Tensors => _tensors;

    /// <summary>Whether a .bin file is llama2.c's tokenizer.</summary>
    public static bool IsTokenizer(string path) => Path.GetFileName(path).StartsWith("tok", StringComparison.Ordinal);

    public IReadOnlyDictionary<string, JsonObject> Tokenizer()
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        string[] found = [.. new[] { $"tok{Configuration.VocabSize}.bin", "tokenizer.bin" }.Select(name => Path.Combine(folder, name)).Where(File.Exists)];
        return found.Length > 0
            ? Llama2cTokenizer.Make(found[0], Configuration.VocabSize)
            : throw new HaloException($"there is no tokenizer beside the model", folder, $"lay tok{Configuration.VocabSize}.bin, tokenizer.bin or tokenizer.json there");
    }

    public void Dispose()
    {
    }

    private void AddLayers(long layers, string name, long interleavedHeads, params long[] shape)
    {
        for (long layer = 0; layer < layers; layer++)
        {
            Add($"model.layers.{layer}.{name}.weight", shape, interleavedHeads);
        }
    }

    private void Add(string name, params long[] shape) => Add(name, shape, 0);

    private void Add(string name, long[] shape, long interleavedHeads)
    {
        long offset = _offset, count = shape.Aggregate(1L, (product, size) => product * size);
        _tensors.Add(new TensorSource(name, shape, ScalarType.Float32, () => interleavedHeads > 0 ? RotaryRows.Split(Read(offset, count, shape), interleavedHeads) : Read(offset, count, shape)));
        _offset += count * sizeof(float);
        if (_offset > _size)
        {
            throw new HaloException($"the file has {_size:N0} bytes and ends within {name} (is it truncated?)", _path, Remedy);
        }
    }

    private Tensor Read(long offset, long count, long[] shape)
    {
        var values = new float[count];
        using FileStream file = File.OpenRead(_path);
        file.Position = offset;
        file.ReadExactly(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return tensor(values, shape);
    }
}
