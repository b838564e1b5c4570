using System.Text.Json.Nodes;

namespace Halo.Models;

/// <summary>Static YaRN scaling of rotary frequencies.</summary>
/// <param name="Factor">How many times longer than the original length; taken as stated.</param>
/// <param name="OriginalLength"><c>original_max_position_embeddings</c>, tokens.</param>
public sealed record RopeScaling(double Factor, int OriginalLength)
{
    /// <summary>The object of a Hugging Face config.</summary>
    public JsonObject ToJson() => new()
    {
        ["rope_type"] = "yarn",
        ["factor"] = Factor,
        ["original_max_position_embeddings"] = OriginalLength,
    };
}
