namespace Halo.Evaluation;

/// <summary>One figure, side by side for several models.</summary>
/// <param name="Task">Task name.</param>
/// <param name="Metric">Metric name.</param>
/// <param name="Settings">What tells this figure from others of the task, for example "length 4096, depth 35"; empty if nothing does.</param>
/// <param name="Cells">One for each of <see cref="ComparisonTable.Models"/>; null where a model was not measured.</param>
public sealed record ComparisonRow(string Task, string Metric, string Settings, IReadOnlyList<ComparisonCell?> Cells);
