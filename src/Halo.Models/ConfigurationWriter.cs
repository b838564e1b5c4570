using System.Text.Json.Nodes;

namespace Halo.Models;

/// <summary>Turns a <see cref="ModelConfiguration"/> into the keys of config.json.</summary>
internal static class ConfigurationWriter
{
    public static JsonObject Write(ModelConfiguration configuration)
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(Architecture(configuration.ModelType)),
            ["model_type"] = configuration.ModelType,
            ["vocab_size"] = configuration.VocabSize,
            ["hidden_size"] = configuration.HiddenSize,
            ["intermediate_size"] = configuration.IntermediateSize,
            ["num_hidden_layers"] = configuration.NumHiddenLayers,
            ["num_attention_heads"] = configuration.NumAttentionHeads,
            ["num_key_value_heads"] = configuration.NumKeyValueHeads,
            ["head_dim"] = configuration.HeadDim,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = configuration.RmsNormEps,
            ["rope_theta"] = configuration.RopeTheta,
            ["rope_scaling"] = configuration.RopeScaling?.ToJson(),
            ["max_position_embeddings"] = configuration.MaxPositionEmbeddings,
            ["tie_word_embeddings"] = configuration.TieWordEmbeddings,
            ["attention_bias"] = configuration.AttentionBias,
            ["mlp_bias"] = configuration.MlpBias,
        };
        if (configuration.ModelType is "qwen2" or "qwen3")
        {
            // Implied by the type, or not known to it.
            json.Remove("mlp_bias");
        }

        if (configuration.IsHypeNet)
        {
            AddHypeNet(json, configuration);
        }

        foreach ((string key, JsonNode? value) in configuration.Extra)
        {
            json[key] = value?.DeepClone();
        }

        return json;
    }

    private static string Architecture(string type) => type switch
    {
        "llama" => "LlamaForCausalLM",
        "qwen2" => "Qwen2ForCausalLM",
        "qwen3" => "Qwen3ForCausalLM",
        _ => "HypeNetForCausalLM",
    };

    private static void AddHypeNet(JsonObject json, ModelConfiguration configuration)
    {
        json["mixer_types"] = new JsonArray([.. configuration.MixerTypes.Select(type => (JsonNode)MixerNames.Of(type))]);
        json["attn_use_rope"] = configuration.AttnUseRope;
        json["attn_use_output_gate"] = configuration.AttnUseOutputGate;
        json["attn_use_qk_norm"] = configuration.AttnUseQkNorm;
        json["attn_logits_scaling"] = configuration.AttnLogitsScaling?.ToJson();
        json["attention_output_bias"] = configuration.AttentionOutputBias;
        json["expand_kv_proj"] = configuration.ExpandKvProj;
        json["lightning_nh"] = configuration.LightningNh;
        json["lightning_nkv"] = configuration.LightningNkv;
        json["lightning_head_dim"] = configuration.LightningHeadDim;
        json["lightning_scale"] = configuration.LightningScale;
        json["lightning_use_qk_norm"] = configuration.LightningUseQkNorm;
        json["lightning_use_rope"] = configuration.LightningUseRope;
        json["lightning_rope_scaling"] = configuration.LightningRopeScaling?.ToJson();
        json["lightning_use_output_norm"] = configuration.LightningUseOutputNorm;
        json["lightning_use_output_gate"] = configuration.LightningUseOutputGate;
        json["lightning_use_short_conv"] = false;
    }
}
