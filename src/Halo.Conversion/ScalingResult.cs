using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Models;

namespace Halo.Conversion;

/// <summary>What the search for a found.</summary>
/// <param name="Base">The a with the lowest loss; null where no a was better than no scaling.</param>
/// <param name="Loss">Loss with it (without scaling where it is null), nats a token.</param>
/// <param name="LossWithout">Loss without scaling.</param>
/// <param name="Tried">Loss of every a tried.</param>
/// <param name="Rows">Rows measured on.</param>
/// <param name="RowLength">Their length, tokens; shorter than asked for where the held-out text is.</param>
public sealed record ScalingResult(double? Base, double Loss, double LossWithout, IReadOnlyDictionary<double, double> Tried, int Rows, int RowLength)
{
    /// <summary>The scaling to write into a model's configuration.</summary>
    public LogitsScaling? Scaling => Base is { } a ? LogitsScaling.Hype(a) : null;

    /// <summary>As JSON, with <c>attn_logits_scaling</c> as config.json has it.</summary>
    public JsonObject ToJson() => new()
    {
        ["attn_logits_scaling"] = Scaling?.ToJson(),
        ["a"] = Base,
        ["loss"] = Loss,
        ["loss_without"] = LossWithout,
        ["rows"] = Rows,
        ["row_length"] = RowLength,
        ["tried"] = new JsonObject(Tried.Select(entry => KeyValuePair.Create(entry.Key.ToString("R", CultureInfo.InvariantCulture), (JsonNode?)entry.Value))),
    };

    /// <summary>As a sentence.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Base is { } a ? $"a = {a}: loss {Loss:F5}, without scaling {LossWithout:F5}" : $"no a is better than no scaling, whose loss is {LossWithout:F5}: scaling stays off")} ({Rows} rows of {RowLength:N0} tokens)");
}
