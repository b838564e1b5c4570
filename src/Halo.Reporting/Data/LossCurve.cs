using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>What one training stage logged, by step.</summary>
/// <param name="Stage">Stage name.</param>
/// <param name="Losses">(step, loss), ascending.</param>
/// <param name="Rates">(step, learning rate), ascending.</param>
/// <param name="Probes">Measurements in between, by name: (step, value), ascending.</param>
/// <param name="LayerErrors">Error of each trained layer's output relative to its variance at the last step that told it; empty where none did.</param>
internal sealed record LossCurve(string Stage, (double Step, double Value)[] Losses, (double Step, double Value)[] Rates, IReadOnlyDictionary<string, (double Step, double Value)[]> Probes, IReadOnlyList<double> LayerErrors)
{
    private static readonly string[] KnownStages = ["pretrain", "stage1", "select", "stage2", "stage3", "scale", "evaluate"];

    // Counts and clocks of a probe say nothing by themselves.
    private static readonly string[] NotDrawn = ["probe", "answers", "tokens", "seconds", "tokens_per_second"];

    /// <summary>The stages that logged anything to draw, in the order of a conversion.</summary>
    public static IReadOnlyList<LossCurve> Of(IReadOnlyList<RunEvent> events) =>
        [.. events.GroupBy(entry => entry.Stage)
            .Select((group, place) => (Curve: Of(group.Key, [.. group]), place))
            .Where(pair => pair.Curve.Losses.Length > 0 || pair.Curve.Probes.Count > 0)
            .OrderBy(pair => Array.IndexOf(KnownStages, pair.Curve.Stage) is var known and >= 0 ? known : KnownStages.Length + pair.place)
            .Select(pair => pair.Curve)];

    /// <summary>A stage's name for readers.</summary>
    public static string Title(string stage) => stage switch
    {
        "pretrain" => "Pretraining",
        "stage1" => "Stage 1: hidden-state alignment",
        "stage2" => "Stage 2: distillation",
        "stage3" => "Stage 3: long-context fine-tuning",
        "select" => "Layer selection",
        "scale" => "Search for the attention scale",
        _ => stage,
    };

    /// <summary>What the loss of a stage is.</summary>
    public static string LossName(string stage) => stage switch
    {
        "stage1" => "squared error of the layers' outputs, summed over layers",
        "stage2" => "KL divergence from the teacher, nats a token",
        "pretrain" or "stage3" => "cross-entropy, nats a token",
        _ => "loss",
    };

    private static LossCurve Of(string stage, RunEvent[] events)
    {
        RunEvent[] probes = [.. events.Where(entry => entry.Kind == "probe")];
        var byName = new SortedDictionary<string, (double Step, double Value)[]>(StringComparer.Ordinal);
        foreach (IGrouping<string, RunEvent> probe in probes.GroupBy(entry => entry.Values?["probe"]?.ToString() ?? ""))
        {
            foreach (string key in probe.SelectMany(entry => entry.Values ?? []).Where(pair => JsonNumber.Of(pair.Value) is not null).Select(pair => pair.Key).Distinct().Except(NotDrawn))
            {
                byName[key == "loss" || probe.Key.Length == 0 ? key : $"{probe.Key} {key}"] = Points(probe, key);
            }
        }

        return new LossCurve(
            stage,
            Points(events.Where(entry => entry.Kind == "step"), "loss"),
            Points(events.Where(entry => entry.Kind == "step"), "learning_rate"),
            byName,
            (events.LastOrDefault(entry => entry.Values?["relative_error"] is JsonArray)?.Values["relative_error"] as JsonArray ?? []).Select(JsonNumber.Of).OfType<double>().ToList());
    }

    // A run that was killed logs some steps again after its checkpoint; the later line is the one the weights come from.
    private static (double Step, double Value)[] Points(IEnumerable<RunEvent> events, string name)
    {
        var points = new SortedDictionary<long, double>();
        foreach (RunEvent entry in events)
        {
            if (JsonNumber.Of(entry.Values?[name]) is { } value)
            {
                points[entry.Step] = value;
            }
        }

        return [.. points.Select(point => ((double)point.Key, point.Value))];
    }
}
