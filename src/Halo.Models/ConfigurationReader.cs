using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models;

/// <summary>Turns the keys of config.json into a <see cref="ModelConfiguration"/>; each key is taken once, the rest is kept.</summary>
internal sealed class ConfigurationReader(JsonObject source, string where)
{
    private const string Supported = "Halo reads llama, qwen2, qwen3 and hypenet models";
    private readonly JsonObject _left = (JsonObject)source.DeepClone();

    public ModelConfiguration Read()
    {
        string type = Text("model_type", null) ?? throw Error("model_type is missing", Supported);
        if (type is not ("llama" or "qwen2" or "qwen3" or "hypenet"))
        {
            throw Error($"model_type '{type}' is not supported", Supported);
        }

        RefuseUnsupported();
        int layers = Positive("num_hidden_layers");
        int heads = Positive("num_attention_heads");
        int hidden = Positive("hidden_size");
        int headDim = Positive("head_dim", hidden / heads);
        bool hybrid = type == "hypenet";
        bool bias = Flag("attention_bias", type == "qwen2");
        (double theta, RopeScaling? scaling) = Rope();
        var result = new ModelConfiguration
        {
            ModelType = type,
            VocabSize = Positive("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = Positive("intermediate_size"),
            NumHiddenLayers = layers,
            NumAttentionHeads = heads,
            NumKeyValueHeads = Positive("num_key_value_heads", heads),
            HeadDim = headDim,
            RmsNormEps = Number("rms_norm_eps", 1e-6),
            RopeTheta = theta,
            RopeScaling = scaling,
            MaxPositionEmbeddings = Positive("max_position_embeddings", 40960),
            TieWordEmbeddings = Flag("tie_word_embeddings", false),
            MixerTypes = Mixers(layers, hybrid),
            AttentionBias = type == "qwen2" || bias,
            AttentionOutputBias = hybrid ? Flag("attention_output_bias", false) : bias && type != "qwen2",
            MlpBias = Flag("mlp_bias", false),
            AttnUseRope = !hybrid || Flag("attn_use_rope", false),
            AttnUseOutputGate = hybrid && Flag("attn_use_output_gate", true),
            AttnUseQkNorm = hybrid ? Flag("attn_use_qk_norm", true) : type == "qwen3",
            AttnLogitsScaling = hybrid ? LogitsScaling.Parse(Take("attn_logits_scaling"), $"{where}: attn_logits_scaling") : null,
            ExpandKvProj = !hybrid || Flag("expand_kv_proj", true),
            LightningNh = hybrid ? Positive("lightning_nh", heads) : 0,
            LightningNkv = hybrid ? Positive("lightning_nkv", heads) : 0,
            LightningHeadDim = hybrid ? Positive("lightning_head_dim", headDim) : 0,
            LightningScale = hybrid ? Scale() : "1/sqrt(d)",
            LightningUseQkNorm = !hybrid || Flag("lightning_use_qk_norm", true),
            LightningUseRope = !hybrid || Flag("lightning_use_rope", true),
            LightningRopeScaling = hybrid ? LightningScaling(scaling) : null,
            LightningUseOutputNorm = !hybrid || Flag("lightning_use_output_norm", true),
            LightningUseOutputGate = !hybrid || Flag("lightning_use_output_gate", true),
        };
        Take("architectures");
        Check(result);
        return result with { Extra = _left };
    }

    private void Check(ModelConfiguration result)
    {
        if (result.NumAttentionHeads % result.NumKeyValueHeads != 0)
        {
            throw Error("num_attention_heads is no multiple of num_key_value_heads", "mend the file");
        }

        if (result.HeadDim % 2 != 0)
        {
            throw Error("head_dim is odd, RoPE needs pairs", "mend the file");
        }

        if (result.IsHypeNet && result.LightningNh % result.LightningNkv != 0)
        {
            throw Error("lightning_nh is no multiple of lightning_nkv", "mend the file");
        }

        if (!(result.RmsNormEps > 0) || !(result.RopeTheta > 0))
        {
            throw Error("rms_norm_eps and rope_theta must be positive", "mend the file");
        }
    }

    private void RefuseUnsupported()
    {
        if (Flag("lightning_use_short_conv", false))
        {
            throw Error("lightning_use_short_conv is true: short convolutions are not supported", "use a model without them");
        }

        // Transformers writes sliding_window where use_sliding_window is false too; then it says nothing.
        bool told = _left.ContainsKey("use_sliding_window");
        bool window = Flag("use_sliding_window", false);
        if (told && !window)
        {
            Take("sliding_window");
        }

        bool layerTypes = _left["layer_types"] is JsonArray types && types.Any(type => type?.ToString() == "sliding_attention");
        if (window || layerTypes || (source["model_type"]?.ToString() == "hypenet" && _left["sliding_window"] is not null))
        {
            throw Error("sliding windows are not supported", "use a model without them");
        }

        string activation = Text("hidden_act", "silu")!;
        if (activation != "silu")
        {
            throw Error($"hidden_act '{activation}' is not supported", "Halo computes silu");
        }
    }

    private (double Theta, RopeScaling? Scaling) Rope()
    {
        const double usual = 1e4;

        // Newer files put theta and scaling together under rope_parameters.
        if (_left["rope_parameters"] is JsonObject parameters)
        {
            double newer = parameters["rope_theta"] is JsonValue value && value.TryGetValue(out double read) ? read : Number("rope_theta", usual);
            return (newer, Scaling("rope_parameters"));
        }

        return (Number("rope_theta", usual), Scaling("rope_scaling"));
    }

    private RopeScaling? Scaling(string key) =>
        RopeScaling.Parse(Take(key), $"{where}: {key}", source["max_position_embeddings"] is JsonValue value && value.TryGetValue(out int length) ? length : 0);

    /// <summary>An object, or, as in the authors' own code, true for the scaling of the attention layers.</summary>
    private RopeScaling? LightningScaling(RopeScaling? attention)
    {
        const string key = "lightning_rope_scaling";
        if (_left[key] is JsonValue value && value.TryGetValue(out bool same))
        {
            Take(key);
            return same ? attention : null;
        }

        return Scaling(key);
    }

    private List<MixerType> Mixers(int layers, bool hybrid)
    {
        if (!hybrid)
        {
            return [.. Enumerable.Repeat(MixerType.Attention, layers)];
        }

        if (Take("mixer_types") is not JsonArray names)
        {
            throw Error("mixer_types is missing", "give one mixer name a layer");
        }

        if (names.Count != layers)
        {
            throw Error($"mixer_types has {names.Count} entries, num_hidden_layers is {layers}", "mend the file");
        }

        return [.. names.Select(name => MixerNames.Parse(name?.ToString() ?? "null", where))];
    }

    private string Scale()
    {
        string scale = Text("lightning_scale", "1/sqrt(d)")!;
        return scale is "1/sqrt(d)" or "1/d" or "1" ? scale : throw Error($"lightning_scale is '{scale}'", "give \"1/sqrt(d)\", \"1/d\" or \"1\"");
    }

    private JsonNode? Take(string key)
    {
        _left.Remove(key, out JsonNode? node);
        return node;
    }

    private int Positive(string key, int? fallback = null)
    {
        JsonNode? node = Take(key);
        if (node is null && fallback is { } value)
        {
            return value;
        }

        return node is JsonValue json && json.TryGetValue(out int read) && read is > 0 and < 1 << 28
            ? read
            : throw Error($"{key} is {node?.ToJsonString() ?? "missing"}", "it must be a positive whole number");
    }

    private double Number(string key, double fallback)
    {
        JsonNode? node = Take(key);
        return node is null ? fallback
            : node is JsonValue json && json.TryGetValue(out double read) && double.IsFinite(read) ? read
            : throw Error($"{key} is {node.ToJsonString()}", "it must be a number");
    }

    private bool Flag(string key, bool fallback)
    {
        JsonNode? node = Take(key);
        return node is null ? fallback
            : node is JsonValue json && json.TryGetValue(out bool read) ? read
            : throw Error($"{key} is {node.ToJsonString()}", "it must be true or false");
    }

    private string? Text(string key, string? fallback)
    {
        JsonNode? node = Take(key);
        return node is null ? fallback
            : node is JsonValue json && json.TryGetValue(out string? read) ? read
            : throw Error($"{key} is {node.ToJsonString()}", "it must be a text");
    }

    private HaloException Error(string what, string remedy) => new(what, where, remedy);
}
