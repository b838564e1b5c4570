using System.Text.Json.Nodes;

namespace Halo.Core;

/// <summary>One measured figure, a line of results.jsonl.</summary>
/// <param name="Model">Who was measured: <c>teacher</c>, <c>student</c>, or a model's name.</param>
/// <param name="Task">Task name, for example <c>niah_single_1</c>, <c>perplexity</c>, <c>lambada_openai</c>.</param>
/// <param name="Metric">Metric name, for example <c>score</c>, <c>acc</c>, <c>perplexity</c>, <c>bits_per_byte</c>.</param>
/// <param name="Value">The figure.</param>
/// <param name="Stderr">Standard error, where one is defined.</param>
/// <param name="N">Items measured.</param>
/// <param name="Settings">All that is needed to repeat it: length, depth, seed, dtype, yarn factor, and so on. Keys that readers rely on: <c>length</c> (tokens), <c>depth</c> (percent), <c>position</c> (token position, end of bucket), <c>yarn</c>.</param>
public sealed record ResultRecord(string Model, string Task, string Metric, double Value, double? Stderr, int N, JsonObject Settings);
