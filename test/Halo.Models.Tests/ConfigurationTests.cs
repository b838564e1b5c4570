using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models.Tests;

/// <summary>config.json: spellings, what is kept, what is refused.</summary>
public sealed class ConfigurationTests
{
    private const string Least = """
        "vocab_size": 100, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 2048
        """;

    [Fact]
    public void Unknown_keys_are_kept_in_their_order()
    {
        ModelConfiguration configuration = Parse("qwen3", "\"eos_token_id\": [5, 6], \"torch_dtype\": \"bfloat16\", \"my_key\": {\"a\": null}");
        JsonObject written = configuration.ToJson();
        Assert.Equal("[5,6]", written["eos_token_id"]!.ToJsonString());
        Assert.Equal("{\"a\":null}", written["my_key"]!.ToJsonString());
        Assert.Equal("bfloat16", written["torch_dtype"]!.ToString());
        Assert.True(JsonNode.DeepEquals(written, ModelConfiguration.Parse(written).ToJson()));
    }

    [Theory]
    [InlineData("llama", "", false, false, false, false)]
    [InlineData("llama", "\"attention_bias\": true", false, true, true, false)]
    [InlineData("llama", "\"mlp_bias\": true", false, false, false, true)]
    [InlineData("qwen2", "", false, true, false, false)]
    [InlineData("qwen3", "", true, false, false, false)]
    [InlineData("qwen3", "\"attention_bias\": true", true, true, true, false)]
    public void Types_differ_in_norms_and_biases(string type, string keys, bool norm, bool bias, bool outputBias, bool mlpBias)
    {
        foreach (ModelConfiguration configuration in new[] { Parse(type, keys), ModelConfiguration.Parse(Parse(type, keys).ToJson()) })
        {
            Assert.Equal((norm, bias, outputBias, mlpBias), (configuration.AttnUseQkNorm, configuration.AttentionBias, configuration.AttentionOutputBias, configuration.MlpBias));
            Assert.True(configuration.AttnUseRope);
            IReadOnlyDictionary<string, long[]> shapes = CausalLm.Shapes(configuration);
            Assert.Equal(bias, shapes.ContainsKey("model.layers.1.self_attn.v_proj.bias"));
            Assert.Equal(outputBias, shapes.ContainsKey("model.layers.1.self_attn.o_proj.bias"));
            Assert.Equal(mlpBias, shapes.ContainsKey("model.layers.1.mlp.down_proj.bias"));
            Assert.Equal(norm, shapes.ContainsKey("model.layers.1.self_attn.q_norm.weight"));
        }
    }

    [Theory]
    [InlineData("\"rope_theta\": 5000, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}")]
    [InlineData("\"rope_theta\": 5000, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.0}")]
    [InlineData("\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 5000}")]
    public void Rope_is_read_in_old_and_new_spelling(string keys)
    {
        ModelConfiguration configuration = Parse("llama", keys);
        Assert.Equal(5000, configuration.RopeTheta);
        Assert.Equal(new RopeScaling(2, 0) { Kind = RopeScalingKind.Linear }, configuration.RopeScaling);
        Assert.Equal(configuration.RopeScaling, ModelConfiguration.Parse(configuration.ToJson()).RopeScaling);
    }

    [Theory]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"beta_fast\": 16, \"attention_factor\": 1.2}")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 512}")]
    public void Scalings_survive_a_round_trip(string keys)
    {
        ModelConfiguration configuration = Parse("llama", keys);
        Assert.NotNull(configuration.RopeScaling);
        Assert.Equal(configuration.RopeScaling, ModelConfiguration.Parse(configuration.ToJson()).RopeScaling);
    }

    [Theory]
    [InlineData("gpt2", "", "model_type 'gpt2'")]
    [InlineData("qwen3", "\"hidden_act\": \"gelu\"", "hidden_act")]
    [InlineData("qwen2", "\"use_sliding_window\": true", "sliding")]
    [InlineData("qwen3", "\"layer_types\": [\"sliding_attention\", \"full_attention\"]", "sliding")]
    [InlineData("llama", "\"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 2}", "dynamic")]
    [InlineData("llama", "\"rope_scaling\": {\"rope_type\": \"longrope\", \"factor\": 2}", "longrope")]
    [InlineData("llama", "\"rope_scaling\": {\"rope_type\": \"linear\"}", "factor")]
    [InlineData("llama", "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 0.5}", "factor")]
    [InlineData("llama", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2, \"low_freq_factor\": 4, \"high_freq_factor\": 4}", "high_freq_factor")]
    [InlineData("llama", "\"rope_scaling\": 3", "rope_scaling")]
    [InlineData("qwen3", "\"num_key_value_heads\": 3", "num_key_value_heads")]
    [InlineData("qwen3", "\"head_dim\": 7", "head_dim")]
    [InlineData("qwen3", "\"hidden_size\": \"wide\"", "hidden_size")]
    [InlineData("qwen3", "\"hidden_size\": -4", "hidden_size")]
    [InlineData("qwen3", "\"tie_word_embeddings\": 1", "tie_word_embeddings")]
    [InlineData("qwen3", "\"rms_norm_eps\": 0", "rms_norm_eps")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"sliding_window\": 64", "sliding")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"sliding_window\": 64, \"use_sliding_window\": true", "sliding")]
    [InlineData("hypenet", "", "mixer_types")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\"]", "mixer_types")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"magic\"]", "magic")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"lightning_use_short_conv\": true", "short")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"lightning_scale\": \"2\"", "lightning_scale")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"attn_logits_scaling\": \"hype 1\"", "attn_logits_scaling")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"attn_logits_scaling\": \"type 5\"", "attn_logits_scaling")]
    [InlineData("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"attn_logits_scaling\": -1", "attn_logits_scaling")]
    public void What_cannot_be_computed_is_refused_by_key(string type, string keys, string told) =>
        Assert.Contains(told, Assert.Throws<HaloException>(() => Parse(type, keys)).Message);

    [Theory]
    [InlineData("null", null, null)]
    [InlineData("\"hype\"", 362.0, null)]
    [InlineData("\"hype 500\"", 500.0, null)]
    [InlineData("\"hype 1.5\"", 1.5, null)]
    [InlineData("1.25", null, 1.25)]
    public void Logits_scaling_has_its_published_forms(string value, double? a, double? constant)
    {
        LogitsScaling? scaling = Parse("hypenet", $"\"mixer_types\": [\"attn\", \"lightning-attn\"], \"attn_logits_scaling\": {value}").AttnLogitsScaling;
        Assert.Equal((a, constant), (scaling?.Base, scaling?.Constant));
        Assert.Equal(scaling, LogitsScaling.Parse(scaling?.ToJson(), "here"));
    }

    /// <summary>All keys that transformers writes of the authors' configuration class, with the values of the released 2B model's kind.</summary>
    [Fact]
    public void A_HypeNet_configuration_as_transformers_writes_it_is_read()
    {
        ModelConfiguration read = Parse("hypenet", """
            "architectures": ["HypeNetForCausalLM"], "auto_map": {"AutoConfig": "configuration_hypenet.HypeNetConfig"}, "attention_bias": false, "attention_dropout": 0.0,
            "attn_logits_scaling": "hype 500", "attn_use_output_gate": true, "attn_use_rope": false, "expand_kv_proj": true, "fused_ce_loss": true,
            "gdn_activation": null, "gdn_attn_mode": "chunk", "gdn_expand_v": 1, "gdn_nh": 4, "gdn_use_short_conv": false, "hidden_act": "silu", "initializer_range": 0.02,
            "kda_head_dim": 8, "kda_use_conv": false, "lightning_conv_size": 4, "lightning_rope_scaling": false, "lightning_scale": "1/sqrt(d)",
            "lightning_use_output_gate": true, "lightning_use_output_norm": true, "lightning_use_qk_norm": true, "lightning_use_rope": true, "lightning_use_short_conv": false,
            "loss_fn": "kl_div", "mamba2_n_groups": 1, "max_window_layers": 28, "mixer_types": ["attn", "lightning-attn"], "rand_init": false, "rope_scaling": null,
            "shift_labels": true, "sliding_window": 4096, "torch_dtype": "bfloat16", "transformers_version": "4.57.1", "use_cache": true, "use_sliding_window": false
            """);
        Assert.Equal([MixerType.Attention, MixerType.Lightning], read.MixerTypes);
        Assert.Equal(500, read.AttnLogitsScaling!.Base);
        Assert.True(read.AttnUseOutputGate && read.LightningUseOutputGate && read.LightningUseRope && !read.AttnUseRope);
        Assert.Null(read.LightningRopeScaling);
        Assert.Equal("kl_div", read.Extra["loss_fn"]!.ToString());
        Assert.Equal(read.ToJson().ToJsonString(), ModelConfiguration.Parse(read.ToJson(), "again").ToJson().ToJsonString());
    }

    [Fact]
    public void Lightning_layers_may_take_the_scaling_of_attention_layers()
    {
        ModelConfiguration read = Parse("hypenet", "\"mixer_types\": [\"attn\", \"lightning-attn\"], \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}, \"lightning_rope_scaling\": true");
        Assert.Equal(RopeScalingKind.Linear, read.LightningRopeScaling!.Kind);
        Assert.Equal(read.RopeScaling, read.LightningRopeScaling);
    }

    [Fact]
    public void Yarn_is_not_put_over_another_scaling() =>
        Assert.Throws<HaloException>(() => Parse("llama", "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}").WithYarn(4));

    private static ModelConfiguration Parse(string type, string keys)
    {
        JsonObject json = JsonNode.Parse($"{{ \"model_type\": \"{type}\", {Least} }}")!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse($"{{ {keys} }}")!.AsObject())
        {
            json[key] = value?.DeepClone();
        }

        return ModelConfiguration.Parse(json, "config.json");
    }
}
