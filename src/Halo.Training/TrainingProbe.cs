using System.Text.Json.Nodes;

namespace Halo.Training;

/// <summary>A measurement during training, kept as an event of kind <c>probe</c>.</summary>
/// <param name="Name">Its name, kept under the key <c>probe</c>.</param>
/// <param name="Every">Steps between two; it also runs after the last step.</param>
/// <param name="Measure">Measures; called without gradients within a dispose scope.</param>
public sealed record TrainingProbe(string Name, long Every, Func<JsonObject> Measure);
