using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models;

/// <summary>
/// Position-dependent scaling of attention queries at inference, key <c>attn_logits_scaling</c> (arXiv 2601.22156, HyPE):
/// <c>s_t = ln(t + a) / ln(a)</c> with t the 0-based absolute position; or a constant factor.
/// </summary>
/// <param name="Base">a, above 1; null for a constant factor.</param>
/// <param name="Constant">The constant factor; null for HyPE.</param>
public sealed record LogitsScaling(double? Base, double? Constant)
{
    private const double DefaultBase = 362;

    /// <summary>HyPE with base <paramref name="a"/>.</summary>
    public static LogitsScaling Hype(double a) => new(a, null);

    /// <summary>Reads null, a number, "hype" (a = 362) or "hype A".</summary>
    /// <exception cref="HaloException">Anything else, or a not above 1.</exception>
    public static LogitsScaling? Parse(JsonNode? node, string where)
    {
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue value)
        {
            if (value.TryGetValue(out double factor) && double.IsFinite(factor) && factor > 0)
            {
                return new(null, factor);
            }

            if (value.TryGetValue(out string? text))
            {
                string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (parts is ["hype"])
                {
                    return Hype(DefaultBase);
                }

                if (parts is ["hype", var a] && double.TryParse(a, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) && double.IsFinite(parsed) && parsed > 1)
                {
                    return Hype(parsed);
                }
            }
        }

        throw new HaloException($"attn_logits_scaling is {node.ToJsonString()}", where, "give null, a positive number, \"hype\" or \"hype A\" with A above 1");
    }

    /// <summary>The value for config.json.</summary>
    public JsonNode ToJson() => Base is { } a
        ? JsonValue.Create(string.Create(CultureInfo.InvariantCulture, $"hype {a:R}"))
        : JsonValue.Create(Constant!.Value);
}
