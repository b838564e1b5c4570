# SPDX-License-Identifier: Apache-2.0
"""HypeNet in plain PyTorch, for AutoModelForCausalLM.from_pretrained(DIR, trust_remote_code=True). Written by Halo beside the weights.

Shapes: B batch, T tokens of this call, S tokens so far, H heads, D head dimension, d hidden size.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_hypenet import HypeNetConfig

CHUNK = 128


class HypeNetCache:
    """What the model remembers: keys and values of attention layers, which grow, and states of Lightning layers, which do not."""

    is_compileable = False

    def __init__(self, config):
        self.layers = [None] * config.num_hidden_layers  # (keys, values), each (B,Hkv,S,D), or (state,), float32 (B,H,D,D)
        self.length = 0

    def get_seq_length(self, layer_idx=0):
        return self.length

    def get_max_cache_shape(self, layer_idx=0):
        return -1

    def reset(self):
        self.layers = [None] * len(self.layers)
        self.length = 0

    def crop(self, max_length):
        raise NotImplementedError("a Lightning state cannot be taken back to an earlier token")

    def reorder_cache(self, beam_idx):
        self._each(lambda x: x.index_select(0, beam_idx.to(x.device)))

    def batch_select_indices(self, indices):
        self._each(lambda x: x[indices.to(x.device)])

    def batch_repeat_interleave(self, repeats):
        self._each(lambda x: x.repeat_interleave(repeats, dim=0))

    def _each(self, change):
        self.layers = [None if layer is None else tuple(change(x) for x in layer) for layer in self.layers]


class HypeNetRMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        exact = x.float()
        return (exact * torch.rsqrt(exact.square().mean(-1, keepdim=True) + self.eps)).to(x.dtype) * self.weight


def rope_frequencies(size, theta, scaling, max_length):
    """inv_freq = theta^(-2i/D), (D/2,), changed by the scaling; and the factor of cos and sin."""
    inv_freq = 1.0 / theta ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
    kind = (scaling or {}).get("rope_type") or (scaling or {}).get("type") or "default"
    if kind == "default":
        return inv_freq, 1.0
    factor = scaling["factor"]
    if kind == "linear":
        return inv_freq / factor, 1.0
    original = scaling.get("original_max_position_embeddings") or max_length
    if kind == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        smooth = ((original * inv_freq / (2 * math.pi) - low) / (high - low)).clamp(0, 1)
        return (1 - smooth) * inv_freq / factor + smooth * inv_freq, 1.0
    if kind == "yarn":
        def corr(rotations):
            return size * math.log(original / (2 * math.pi * rotations)) / (2 * math.log(theta))
        low = max(math.floor(corr(scaling.get("beta_fast") or 32)), 0)
        high = min(math.ceil(corr(scaling.get("beta_slow") or 1)), size - 1)
        ramp = ((torch.arange(size // 2, dtype=torch.float32) - low) / max(high - low, 0.001)).clamp(0, 1)
        return inv_freq * (1 - ramp) + inv_freq / factor * ramp, scaling.get("attention_factor") or 0.1 * math.log(factor) + 1
    raise ValueError(f"rope_type '{kind}' is not supported, only default, linear, llama3 and yarn")


def rope_angles(positions_BT, size, theta, scaling, max_length):
    """cos and sin, float32 (B,1,T,D). Angles are formed in float64, so that far positions stay exact."""
    inv_freq, amplitude = rope_frequencies(size, theta, scaling, max_length)
    exact = torch.float32 if positions_BT.device.type == "mps" else torch.float64
    angle = positions_BT[:, None, :, None].to(exact) * inv_freq.to(positions_BT.device, exact)
    angle = torch.cat([angle, angle], dim=-1)
    return (angle.cos() * amplitude).float(), (angle.sin() * amplitude).float()


def rotate(x_BHTD, angles):
    """The pair of dimension i is i + D/2."""
    cos, sin = angles
    first, second = x_BHTD.float().chunk(2, dim=-1)
    return (x_BHTD.float() * cos + torch.cat([-second, first], dim=-1) * sin).to(x_BHTD.dtype)


def lightning_slopes(heads):
    """m_h = 2^(-8h/H), h = 1..H; for H no power of two the ALiBi rule."""
    def powers(n):
        return [2.0 ** (-8.0 * (h + 1) / n) for h in range(n)]
    below = 2 ** int(math.log2(heads))
    return powers(heads) if below == heads else powers(below) + powers(2 * below)[::2][: heads - below]


def lightning(q, k, v, m_H, scale, state):
    """S_t = e^{-m} S_{t-1} + k_t^T v_t, o_t = scale q_t S_t; q, k, v float32 (B,H,T,D), state (B,H,D,D). Returns o and the last S.

    One token is the recurrence itself; more are taken in chunks, i, j = 1..C:
    o_i = e^{-m i} q_i S + sum_{j<=i} e^{-m (i-j)} (q_i . k_j) v_j and S' = e^{-m C} S + sum_j e^{-m (C-j)} k_j^T v_j.
    """
    q, m = q * scale, m_H[:, None, None]
    if q.shape[2] == 1:
        state = torch.exp(-m) * state + k.transpose(-2, -1) @ v
        return q @ state, state
    i = torch.arange(1, min(CHUNK, q.shape[2]) + 1, device=q.device, dtype=q.dtype)
    within = torch.exp(-m * (i[:, None] - i).clamp(min=0)).tril()  # (H,C,C)
    outputs = []
    for q_C, k_C, v_C in zip(q.split(CHUNK, 2), k.split(CHUNK, 2), v.split(CHUNK, 2)):
        count = q_C.shape[2]
        i_C = i[:count, None]
        near = (q_C @ k_C.transpose(-2, -1) * within[:, :count, :count]) @ v_C
        outputs.append(near + (torch.exp(-m * i_C) * q_C) @ state)
        state = torch.exp(-m * count) * state + (torch.exp(-m * (count - i_C)) * k_C).transpose(-2, -1) @ v_C
    return torch.cat(outputs, dim=2), state


class HypeNetMixer(nn.Module):
    """q, k and v, as both kinds of layer make them."""

    def __init__(self, config, index, heads, kv_heads, size, use_qk_norm):
        super().__init__()
        self.index, self.heads, self.kv_heads, self.size = index, heads, kv_heads, size
        self.q_proj = nn.Linear(config.hidden_size, heads * size, bias=config.attention_bias)
        self.k_proj = nn.Linear(config.hidden_size, kv_heads * size, bias=config.attention_bias)
        self.v_proj = nn.Linear(config.hidden_size, kv_heads * size, bias=config.attention_bias)
        self.o_proj = nn.Linear(heads * size, config.hidden_size, bias=config.attention_output_bias)
        self.q_norm = HypeNetRMSNorm(size, config.rms_norm_eps) if use_qk_norm else nn.Identity()
        self.k_norm = HypeNetRMSNorm(size, config.rms_norm_eps) if use_qk_norm else nn.Identity()

    def heads_of(self, x_BTd, angles):
        def split(y, heads):
            return y.unflatten(-1, (heads, self.size))
        q = self.q_norm(split(self.q_proj(x_BTd), self.heads)).transpose(1, 2)
        k = self.k_norm(split(self.k_proj(x_BTd), self.kv_heads)).transpose(1, 2)
        v = split(self.v_proj(x_BTd), self.kv_heads).transpose(1, 2)
        return (q, k, v) if angles is None else (rotate(q, angles), rotate(k, angles), v)

    def repeat(self, x_BHTD):
        """Key/value head floor(h Hkv / H) serves query head h."""
        return x_BHTD.repeat_interleave(self.heads // self.kv_heads, dim=1)


class HypeNetAttention(HypeNetMixer):
    def __init__(self, config, index):
        super().__init__(config, index, config.num_attention_heads, config.num_key_value_heads, config.head_dim, config.attn_use_qk_norm)
        width = self.heads * self.size
        self.o_gate = nn.Linear(config.hidden_size, width, bias=False) if config.attn_use_output_gate else None

    def forward(self, x_BTd, shared, cache):
        q, k, v = self.heads_of(x_BTd, shared["attn_angles"])
        if shared["query_scale"] is not None:
            q = (q * shared["query_scale"]).to(q.dtype)
        if cache is not None:
            if cache.layers[self.index] is not None:
                k, v = (torch.cat(pair, dim=2) for pair in zip(cache.layers[self.index], (k, v)))
            cache.layers[self.index] = (k, v)
        mask = shared["mask"]
        causal = mask is None and q.shape[2] > 1
        o = F.scaled_dot_product_attention(q, self.repeat(k), self.repeat(v), attn_mask=mask, is_causal=causal)
        o = o.transpose(1, 2).flatten(2)
        if self.o_gate is not None:
            o = o * torch.sigmoid(self.o_gate(x_BTd))
        return self.o_proj(o)


class HypeNetLightning(HypeNetMixer):
    def __init__(self, config, index):
        super().__init__(config, index, config.lightning_nh, config.lightning_nkv, config.lightning_head_dim, config.lightning_use_qk_norm)
        width = self.heads * self.size
        self.scale = {"1/sqrt(d)": self.size**-0.5, "1/d": 1 / self.size, "1": 1.0}[config.lightning_scale]
        self.o_norm = HypeNetRMSNorm(width, config.rms_norm_eps) if config.lightning_use_output_norm else nn.Identity()
        self.z_proj = nn.Linear(config.hidden_size, width, bias=False) if config.lightning_use_output_gate else None

    def forward(self, x_BTd, shared, cache):
        q, k, v = self.heads_of(x_BTd, shared["lightning_angles"])
        if shared["real"] is not None:
            k = k * shared["real"][:, None, :, None].to(k.dtype)  # Pads leave the state as it is.
        q, k, v = q.float(), self.repeat(k).float(), self.repeat(v).float()
        known = cache is not None and cache.layers[self.index] is not None
        state = cache.layers[self.index][0] if known else q.new_zeros(q.shape[0], self.heads, self.size, self.size)
        m_H = torch.tensor(lightning_slopes(self.heads), dtype=q.dtype, device=q.device)
        o, state = lightning(q, k, v, m_H, self.scale, state)
        if cache is not None:
            cache.layers[self.index] = (state,)
        o = self.o_norm(o.to(x_BTd.dtype).transpose(1, 2).flatten(2))
        if self.z_proj is not None:
            o = o * torch.sigmoid(self.z_proj(x_BTd))
        return self.o_proj(o)


class HypeNetMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=config.mlp_bias)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class HypeNetLayer(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.self_attn = (HypeNetAttention if config.mixer_types[index] == "attn" else HypeNetLightning)(config, index)
        self.mlp = HypeNetMLP(config)
        self.input_layernorm = HypeNetRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = HypeNetRMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x_BTd, shared, cache):
        h = x_BTd + self.self_attn(self.input_layernorm(x_BTd), shared, cache)
        return h + self.mlp(self.post_attention_layernorm(h))


class HypeNetPreTrainedModel(PreTrainedModel):
    config_class = HypeNetConfig
    base_model_prefix = "model"
    _no_split_modules = ["HypeNetLayer"]
    _supports_sdpa = True
    _is_stateful = True  # A Lightning state cannot be taken back, which assisted generation would need.


class HypeNetModel(HypeNetPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(HypeNetLayer(config, index) for index in range(config.num_hidden_layers))
        self.norm = HypeNetRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_init()

    def get_input_embeddings(self):
        return self.embed_tokens

    def set_input_embeddings(self, value):
        self.embed_tokens = value

    def forward(self, input_ids=None, attention_mask=None, past_key_values=None, inputs_embeds=None, use_cache=None, output_hidden_states=None, **kwargs):
        """attention_mask is (B,S), 0 at pads, over all tokens so far."""
        x = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        cache = past_key_values
        if cache is None and use_cache:
            cache = HypeNetCache(self.config)
        if cache is not None and not isinstance(cache, HypeNetCache):
            raise ValueError("past_key_values must be a HypeNetCache: other caches have no place for Lightning states")
        offset = 0 if cache is None else cache.length
        shared = self._shared(x, offset, attention_mask)
        hidden = (x,)
        for layer in self.layers:
            x = layer(x, shared, cache)
            hidden += (x,) if output_hidden_states else ()
        if cache is not None:
            cache.length = offset + x.shape[1]
        x = self.norm(x)
        hidden = hidden[:-1] + (x,) if output_hidden_states else None
        return BaseModelOutputWithPast(last_hidden_state=x, past_key_values=cache, hidden_states=hidden)

    def _shared(self, x_BTd, offset, attention_mask):
        """What all layers need: positions counted from each row's first real token, the mask, the scale of queries."""
        config, device, total = self.config, x_BTd.device, offset + x_BTd.shape[1]
        key_S = torch.arange(total, device=device)
        query_T = key_S[offset:]
        positions, real, mask = query_T[None], None, None
        if attention_mask is not None and not bool(attention_mask.all()):
            if attention_mask.shape[1] != total:
                raise ValueError(f"attention_mask is for {attention_mask.shape[1]} tokens, there are {total}")
            real_BS = attention_mask.bool()
            positions = (real_BS.long().cumsum(-1) - 1).clamp(min=0)[:, offset:]
            real = real_BS[:, offset:]
            # A token sees itself even if it is a pad, so that no row of the softmax is empty.
            same = key_S == query_T[:, None]
            mask = ((key_S <= query_T[:, None]) & real_BS[:, None, None, :]) | same
        elif offset > 0 and x_BTd.shape[1] > 1:
            mask = key_S <= query_T[:, None]

        def angles(size, scaling):
            return rope_angles(positions, size, config.rope_parameters["rope_theta"], scaling, config.max_position_embeddings)
        return {
            "mask": mask,
            "real": real,
            "query_scale": None if self.training else query_scale(config.attn_logits_scaling, positions),
            "attn_angles": angles(config.head_dim, config.rope_parameters) if config.attn_use_rope else None,
            "lightning_angles": angles(config.lightning_head_dim, config.lightning_rope_scaling) if config.lightning_use_rope else None,
        }


def query_scale(setting, positions_BT):
    """s_t = ln(t + a) / ln(a), float32 (B,1,T,1), for "hype a" (a = 362 unless given); a number is a constant factor."""
    if setting is None:
        return None
    t = positions_BT[:, None, :, None].float()
    if not isinstance(setting, str):
        return torch.full_like(t, setting)
    a = float((setting.split() + ["362"])[1])
    return torch.log(t + a) / torch.log(torch.tensor(a, device=t.device))


class HypeNetForCausalLM(HypeNetPreTrainedModel, GenerationMixin):
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.model = HypeNetModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embed_tokens

    def set_input_embeddings(self, value):
        self.model.embed_tokens = value

    def get_output_embeddings(self):
        return self.lm_head

    def set_output_embeddings(self, value):
        self.lm_head = value

    def forward(
        self, input_ids=None, attention_mask=None, past_key_values=None, inputs_embeds=None, labels=None,
        use_cache=None, output_hidden_states=None, logits_to_keep=0, **kwargs,
    ):
        output = self.model(input_ids, attention_mask, past_key_values, inputs_embeds, use_cache, output_hidden_states)
        logits = self.lm_head(output.last_hidden_state[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=output.past_key_values, hidden_states=output.hidden_states)

    # Written out rather than inherited: the inherited ones make another cache and differ between versions of transformers.
    def _prepare_cache_for_generation(self, generation_config, model_kwargs, *args, **kwargs):
        if generation_config.use_cache is not False and model_kwargs.get("past_key_values") is None:
            model_kwargs["past_key_values"] = HypeNetCache(self.config)

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, attention_mask=None, use_cache=None, logits_to_keep=0, **kwargs):
        # input_ids hold all tokens so far, or, where a conversation goes on with its cache, the new ones alone.
        seen = 0 if past_key_values is None else past_key_values.get_seq_length()
        if attention_mask is not None and attention_mask.shape[1] > input_ids.shape[1]:
            seen = max(0, seen + input_ids.shape[1] - attention_mask.shape[1])
        return {
            "input_ids": input_ids[:, seen:],
            "attention_mask": attention_mask,
            "past_key_values": past_key_values,
            "use_cache": use_cache,
            "logits_to_keep": logits_to_keep or 0,
            "output_hidden_states": kwargs.get("output_hidden_states"),
        }
