using Halo.Core;

namespace Halo.Models;

/// <summary>Names of mixers in config.json.</summary>
internal static class MixerNames
{
    private static readonly string[] Planned = ["gdn", "kda", "gla", "mamba2", "rwkv7"];

    /// <summary>The mixer of a name.</summary>
    /// <exception cref="HaloException">The name is unknown or the mixer is not there yet.</exception>
    public static MixerType Parse(string name, string where) => name switch
    {
        "attn" => MixerType.Attention,
        "lightning-attn" => MixerType.Lightning,
        _ => throw new HaloException(
            Planned.Contains(name) ? $"the mixer '{name}' is not supported yet" : $"mixer_types has the unknown name '{name}'",
            where,
            "Halo computes attn and lightning-attn"),
    };

    /// <summary>The name of a mixer.</summary>
    public static string Of(MixerType type) => type == MixerType.Attention ? "attn" : "lightning-attn";
}
