# SPDX-License-Identifier: Apache-2.0
"""Configuration of a HypeNet model: a pre-norm decoder whose layers are Lightning (linear) attention or softmax attention.

Written by Halo beside the weights. The keys are those of the published HypeNet configs (arXiv 2601.22156); the keys
attn_use_qk_norm, attention_bias, attention_output_bias and mlp_bias are Halo's, for teachers other than Qwen3.
"""

from transformers import PretrainedConfig

MIXERS = ("attn", "lightning-attn")
LIGHTNING_SCALES = ("1/sqrt(d)", "1/d", "1")


class HypeNetConfig(PretrainedConfig):
    model_type = "hypenet"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size=151936,
        hidden_size=2048,
        intermediate_size=6144,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=None,
        head_dim=None,
        hidden_act="silu",
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        rope_scaling=None,
        rope_parameters=None,
        max_position_embeddings=40960,
        initializer_range=0.02,
        tie_word_embeddings=False,
        attention_bias=False,
        attention_output_bias=False,
        mlp_bias=False,
        mixer_types=None,
        attn_use_rope=False,
        attn_use_qk_norm=True,
        attn_use_output_gate=True,
        attn_logits_scaling=None,
        expand_kv_proj=True,
        lightning_nh=None,
        lightning_nkv=None,
        lightning_head_dim=None,
        lightning_scale="1/sqrt(d)",
        lightning_use_qk_norm=True,
        lightning_use_rope=True,
        lightning_rope_scaling=None,
        lightning_use_output_norm=True,
        lightning_use_output_gate=True,
        lightning_use_short_conv=False,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads or num_attention_heads
        self.head_dim = head_dim or hidden_size // num_attention_heads
        self.hidden_act = hidden_act
        self.rms_norm_eps = rms_norm_eps
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.attention_bias = attention_bias
        self.attention_output_bias = attention_output_bias
        self.mlp_bias = mlp_bias

        self.mixer_types = list(mixer_types or ["lightning-attn"] * num_hidden_layers)
        self.attn_use_rope = attn_use_rope
        self.attn_use_qk_norm = attn_use_qk_norm
        self.attn_use_output_gate = attn_use_output_gate
        self.attn_logits_scaling = attn_logits_scaling
        self.expand_kv_proj = expand_kv_proj

        self.lightning_nh = lightning_nh or num_attention_heads
        self.lightning_nkv = lightning_nkv or num_attention_heads
        self.lightning_head_dim = lightning_head_dim or self.head_dim
        self.lightning_scale = lightning_scale
        self.lightning_use_qk_norm = lightning_use_qk_norm
        self.lightning_use_rope = lightning_use_rope
        if isinstance(lightning_rope_scaling, bool):  # In the authors' own code true means that of the attention layers.
            lightning_rope_scaling = (rope_parameters or rope_scaling) if lightning_rope_scaling else None
        self.lightning_rope_scaling = lightning_rope_scaling
        self.lightning_use_output_norm = lightning_use_output_norm
        self.lightning_use_output_gate = lightning_use_output_gate
        self.lightning_use_short_conv = lightning_use_short_conv

        self._refuse_unknown(kwargs)
        super().__init__(tie_word_embeddings=tie_word_embeddings, **kwargs)

        # Older files have rope_theta and rope_scaling, newer ones both in one object. Set after the base class, whose versions
        # treat these names differently.
        rope = dict(rope_parameters or rope_scaling or {})
        rope["rope_type"] = rope.get("rope_type") or rope.pop("type", None) or "default"
        rope.setdefault("rope_theta", rope_theta)
        self.rope_parameters = rope

    def _refuse_unknown(self, others):
        if len(self.mixer_types) != self.num_hidden_layers:
            raise ValueError(f"mixer_types has {len(self.mixer_types)} entries, num_hidden_layers is {self.num_hidden_layers}")
        for mixer in self.mixer_types:
            if mixer not in MIXERS:
                raise ValueError(f"mixer '{mixer}' is not supported, only {', '.join(MIXERS)}")
        if self.lightning_scale not in LIGHTNING_SCALES:
            raise ValueError(f"lightning_scale '{self.lightning_scale}' is none of {', '.join(LIGHTNING_SCALES)}")
        if self.hidden_act != "silu":
            raise ValueError(f"hidden_act '{self.hidden_act}' is not supported, only silu")
        # transformers writes sliding_window where use_sliding_window is false too; then it says nothing.
        if self.lightning_use_short_conv or others.get("use_sliding_window", others.get("sliding_window")):
            raise ValueError("short convolutions and sliding windows are not supported")
