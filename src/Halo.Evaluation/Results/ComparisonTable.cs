using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Evaluation;

/// <summary>Figures of several models side by side, as plain data.</summary>
/// <param name="Models">Column names in order of first appearance, for example teacher, student.</param>
/// <param name="Rows">One row a figure, in order of first appearance.</param>
public sealed record ComparisonTable(IReadOnlyList<string> Models, IReadOnlyList<ComparisonRow> Rows)
{
    /// <summary>Settings that tell figures of one task and metric apart; all others (dtype, seed, ..) describe the run.</summary>
    private static readonly string[] Distinguishing = ["length", "depth", "position", "style"];

    /// <summary>Gathers records; a figure measured twice keeps the last. A model with YaRN is compared in the same row, its column named with the factor.</summary>
    /// <param name="records">Records of all models.</param>
    /// <param name="details">False leaves out figures by depth and by position.</param>
    public static ComparisonTable Build(IEnumerable<ResultRecord> records, bool details = false)
    {
        var models = new List<string>();
        var rows = new List<(string Task, string Metric, string Settings)>();
        var cells = new Dictionary<(string Task, string Metric, string Settings, string Model), ComparisonCell>();
        foreach (ResultRecord record in records)
        {
            if (!details && (record.Settings.ContainsKey("depth") || record.Settings.ContainsKey("position")))
            {
                continue;
            }

            string model = record.Settings["yarn"] is JsonNode yarn ? $"{record.Model} (yarn {yarn})" : record.Model;
            string settings = string.Join(", ", Distinguishing
                .Where(key => record.Settings.ContainsKey(key) && !(key == "style" && record.Settings[key]!.ToString() == "nvidia"))
                .Select(key => $"{key} {record.Settings[key]}"));
            var row = (record.Task, record.Metric, settings);
            if (!models.Contains(model))
            {
                models.Add(model);
            }

            if (!rows.Contains(row))
            {
                rows.Add(row);
            }

            cells[(record.Task, record.Metric, settings, model)] = new ComparisonCell(record.Value, record.Stderr, record.N);
        }

        return new ComparisonTable(models, [.. rows.Select(row => new ComparisonRow(
            row.Task, row.Metric, row.Settings, [.. models.Select(model => cells.GetValueOrDefault((row.Task, row.Metric, row.Settings, model)))]))]);
    }
}
