using System.Text.Json.Nodes;

namespace Halo.Core;

/// <summary>One line of events.jsonl.</summary>
/// <param name="Time">When, UTC.</param>
/// <param name="Stage">Stage name: <c>pretrain</c>, <c>stage1</c>, <c>select</c>, <c>stage2</c>, <c>stage3</c>, <c>scale</c>, <c>evaluate</c>.</param>
/// <param name="Kind"><c>step</c> for a training step (values: loss, learning_rate, gradient_norm, tokens, tokens_per_second), <c>probe</c> for a measurement in between, <c>start</c>, <c>end</c>, <c>checkpoint</c>, <c>error</c>.</param>
/// <param name="Step">Step within the stage.</param>
/// <param name="Values">Named numbers or texts.</param>
public sealed record RunEvent(DateTime Time, string Stage, string Kind, long Step, JsonObject Values);
