using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Importing;

/// <summary>A model of a GGUF file: architectures llama, qwen2 and qwen3.</summary>
internal sealed class GgufModel : IImportedModel
{
    private static readonly Dictionary<string, string> Blocks = new()
    {
        ["attn_norm"] = "input_layernorm", ["ffn_norm"] = "post_attention_layernorm", ["attn_q"] = "self_attn.q_proj", ["attn_k"] = "self_attn.k_proj", ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj", ["attn_q_norm"] = "self_attn.q_norm", ["attn_k_norm"] = "self_attn.k_norm", ["ffn_gate"] = "mlp.gate_proj", ["ffn_up"] = "mlp.up_proj", ["ffn_down"] = "mlp.down_proj",
    };

    // No size of a model that exists is larger; bytes of a matrix still fit 63 bits.
    private const long Largest = 1 << 24;

    private readonly GgufFile _file;
    private readonly string _architecture;

    public GgufModel(string path)
    {
        _file = GgufFile.Open(path);
        try
        {
            _architecture = Text("general.architecture") ?? throw Error("general.architecture is missing");
            if (_architecture is not ("llama" or "qwen2" or "qwen3"))
            {
                throw Error($"the architecture '{_architecture}' is not supported; Halo imports llama, qwen2 and qwen3");
            }

            if (Number("split.count") is > 1)
            {
                throw Error("the model is split over several files; join them with llama.cpp's gguf-split --merge");
            }

            Configuration = ModelConfiguration.Parse(Config(), path);
            Tensors = [.. _file.Entries.Keys.Where(name => name != "rope_freqs.weight").Select(Source)];
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file is GGUF by its name or its beginning (caches name files by hash).</summary>
    public static bool Is(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[4];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("GGUF"u8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path and its permissions", error);
        }
    }

    public ModelConfiguration Configuration { get; }

    public IReadOnlyList<TensorSource> Tensors { get; }

    public IReadOnlyDictionary<string, JsonObject> Tokenizer() => GgufTokenizer.Make(_file);

    public void Dispose() => _file.Dispose();

    private JsonObject Config()
    {
        long Need(string key, long? otherwise = null) =>
            (Number($"{_architecture}.{key}") ?? otherwise) is not { } value ? throw Error($"{_architecture}.{key} is missing")
            : value is >= 1 and <= Largest ? (long)value
            : throw Error($"{_architecture}.{key} is {value}");
        long heads = Need("attention.head_count"), hidden = Need("embedding_length"), layers = Need("block_count");
        long head = Need("attention.key_length", hidden / heads);
        if (layers > _file.Entries.Count || heads * head > Largest)
        {
            throw Error($"{layers:N0} layers of {heads:N0} heads of {head:N0} do not fit {_file.Entries.Count:N0} tensors");
        }

        if (Number($"{_architecture}.rope.dimension_count") is { } rotated && (long)rotated != head)
        {
            throw Error($"only {rotated} of {head} dimensions of a head are rotated, which Halo does not do");
        }

        var json = new JsonObject
        {
            ["model_type"] = _architecture,
            ["vocab_size"] = _file.Entries.TryGetValue("token_embd.weight", out GgufEntry? embedding) ? embedding.Shape[0] : throw Error("the tensor token_embd.weight is missing"),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Need("feed_forward_length"),
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = Need("attention.head_count_kv", heads),
            ["head_dim"] = head,
            ["rms_norm_eps"] = Rounded(Number($"{_architecture}.attention.layer_norm_rms_epsilon") ?? 1e-6),
            ["rope_theta"] = Number($"{_architecture}.rope.freq_base") ?? 1e4,
            ["max_position_embeddings"] = Need("context_length"),
            ["tie_word_embeddings"] = !_file.Entries.ContainsKey("output.weight"),
            ["attention_bias"] = _file.Entries.ContainsKey("blk.0.attn_q.bias"),
            ["rope_scaling"] = Scaling(),
        };
        foreach ((string key, string name) in new[] { ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("padding", "pad_token_id") })
        {
            if (Number($"tokenizer.ggml.{key}_token_id") is { } id)
            {
                json[name] = (long)id;
            }
        }

        // Numbers read from JSON text are what the configuration expects.
        return JsonNode.Parse(json.ToJsonString())!.AsObject();
    }

    private JsonObject? Scaling()
    {
        string key = $"{_architecture}.rope.scaling";
        if (_file.Entries.ContainsKey("rope_freqs.weight"))
        {
            return Llama3();
        }

        string kind = Text($"{key}.type") ?? "none";
        if (kind == "none")
        {
            return null;
        }

        var json = new JsonObject { ["rope_type"] = kind, ["factor"] = Number($"{key}.factor") ?? throw Error($"{key}.factor is missing") };
        if (Number($"{key}.original_context_length") is { } original)
        {
            json["original_max_position_embeddings"] = (long)original;
        }

        return json;
    }

    // llama.cpp keeps the factors that Llama 3's rule gives, not the rule: the published parameters are tried.
    private JsonObject Llama3()
    {
        using TorchSharp.torch.Tensor factors = _file.Read("rope_freqs.weight").to_type(TorchSharp.torch.ScalarType.Float32);
        float[] given = [.. factors.data<float>()];
        if (given.Length != Number($"{_architecture}.rope.dimension_count") / 2)
        {
            throw Error($"rope_freqs.weight has {given.Length} factors, one for two rotated dimensions is needed");
        }

        double theta = Number($"{_architecture}.rope.freq_base") ?? 1e4;
        var scaling = new RopeScaling(given.Max(), 8192) { Kind = RopeScalingKind.Llama3, LowFrequencyFactor = 1, HighFrequencyFactor = 4 };
        float[] plain = Rotary.Frequencies(2 * given.Length, theta, null), scaled = Rotary.Frequencies(2 * given.Length, theta, scaling);
        return given.Select((factor, i) => Math.Abs((plain[i] / scaled[i]) - factor) <= 1e-3 * factor).All(near => near)
            ? scaling.ToJson()
            : throw Error("rope_freqs.weight is not what Llama 3's published rule gives");
    }

    private TensorSource Source(string name)
    {
        GgufEntry entry = _file.Entries[name];
        string own = HuggingFaceName(name);
        bool interleaved = _architecture == "llama" && (own.Contains("q_proj", StringComparison.Ordinal) || own.Contains("k_proj", StringComparison.Ordinal));
        long heads = own.Contains("q_proj", StringComparison.Ordinal) ? Configuration.NumAttentionHeads : Configuration.NumKeyValueHeads;
        if (interleaved && entry.Shape[0] != heads * Configuration.HeadDim)
        {
            throw Error($"the tensor '{name}' has {entry.Shape[0]} rows for {heads} heads of {Configuration.HeadDim}");
        }

        return new TensorSource(own, entry.Shape, _file.TypeOf(name), () => interleaved ? RotaryRows.Split(_file.Read(name), heads) : _file.Read(name));
    }

    private string HuggingFaceName(string name)
    {
        switch (name)
        {
            case "token_embd.weight":
                return "model.embed_tokens.weight";
            case "output_norm.weight":
                return "model.norm.weight";
            case "output.weight":
                return "lm_head.weight";
        }

        return name.Split('.') is ["blk", var layer, var part, var kind] && Blocks.TryGetValue(part, out string? block)
            ? $"model.layers.{layer}.{block}.{kind}"
            : throw Error($"the tensor '{name}' has no place in a {_architecture} model that Halo knows");
    }

    // A float32 such as 9.999999747378752e-06 is 1e-05 in its shortest form.
    private static double Rounded(double value) => double.Parse(((float)value).ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);

    private double? Number(string key) => _file.Values.GetValueOrDefault(key) switch { null => null, long whole => whole, double real when Math.Abs(real) <= float.MaxValue => real, _ => throw Error($"{key} is no number") };

    private string? Text(string key) => _file.Values.GetValueOrDefault(key) switch { null => null, string text => text, _ => throw Error($"{key} is no text") };

    private HaloException Error(string what) => new(what, _file.Path, "give a GGUF file of a Llama, Qwen2 or Qwen3 model");
}
