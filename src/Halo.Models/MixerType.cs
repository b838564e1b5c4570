namespace Halo.Models;

/// <summary>What mixes tokens in a layer; the names are those of <c>mixer_types</c> in config.json.</summary>
public enum MixerType
{
    /// <summary><c>attn</c>: softmax attention.</summary>
    Attention,

    /// <summary><c>lightning-attn</c>: Lightning linear attention.</summary>
    Lightning,
}
