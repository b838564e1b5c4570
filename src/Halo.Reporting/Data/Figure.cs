using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>A result record with the settings that the report reads taken out of its JSON.</summary>
/// <param name="Model">Model name.</param>
/// <param name="Task">Task name.</param>
/// <param name="Variant">Text or prompt form that keeps figures of one task apart; empty where there is none.</param>
/// <param name="Metric">Metric name.</param>
/// <param name="Length">Context length in tokens.</param>
/// <param name="Depth">Needle depth in percent: this is a cell of a heat map.</param>
/// <param name="Position">End of a bucket of token positions: this is a point of a curve.</param>
/// <param name="Yarn">YaRN factor; 1 is none.</param>
/// <param name="Value">The figure.</param>
/// <param name="Stderr">Standard error.</param>
/// <param name="N">Items measured.</param>
internal sealed record Figure(string Model, string Task, string Variant, string Metric, long? Length, double? Depth, long? Position, double Yarn, double Value, double? Stderr, int N)
{
    private static readonly string[] Parts = ["_by_position", "_by_depth"];
    private const string UsualStyle = "nvidia";

    /// <summary>True for a figure of a whole task at a length, neither a cell nor a point of a curve.</summary>
    public bool IsWhole => Depth is null && Position is null;

    /// <summary>Takes the settings out of the record.</summary>
    public static Figure Of(ResultRecord record)
    {
        JsonObject settings = record.Settings ?? [];
        double yarn = JsonNumber.Of(settings["yarn"]) ?? 1;
        return new Figure(
            record.Model,
            record.Task,
            string.Join(", ", new[] { Text(settings["text"]), Text(settings["style"]) }.Where(part => part.Length > 0 && part != UsualStyle)),
            // The points of a curve and the cells of a map belong to the whole figure of the same name: its best YaRN factor is theirs.
            Parts.Where(part => record.Metric.EndsWith(part, StringComparison.Ordinal)).Select(part => record.Metric[..^part.Length]).FirstOrDefault(record.Metric),
            (long?)JsonNumber.Of(settings["length"]),
            JsonNumber.Of(settings["depth"]),
            (long?)JsonNumber.Of(settings["position"]),
            yarn > 0 ? yarn : 1,
            record.Value,
            record.Stderr,
            record.N);
    }

    // A path would make the same text on two machines two texts.
    private static string Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? Path.GetFileName(text.TrimEnd('/')) : "";
}
