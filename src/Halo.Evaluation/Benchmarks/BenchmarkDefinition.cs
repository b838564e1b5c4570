using System.Text.Json.Nodes;

namespace Halo.Evaluation;

/// <summary>A benchmark of log-likelihood requests.</summary>
/// <param name="Name">Its name in lm-evaluation-harness.</param>
/// <param name="Splits">Names of the part that is scored, as files of it are named.</param>
/// <param name="Places">File and folder names under which the records are looked for.</param>
/// <param name="Item">Makes the requests of a record; throws <see cref="FormatException"/> where it is none.</param>
internal sealed record BenchmarkDefinition(string Name, IReadOnlyList<string> Splits, IReadOnlyList<string> Places, Func<JsonObject, BenchmarkItem> Item)
{
    private static readonly string[] Validation = ["validation", "val", "valid", "dev"];
    private static readonly string[] Test = ["test"];

    /// <summary>Whether acc_norm is reported beside acc.</summary>
    public bool Normalized { get; init; }

    /// <summary>Whether the continuation is to be guessed: acc is the greedy match, and perplexity is reported.</summary>
    public bool Guessed { get; init; }

    /// <summary>Where several files fit, those whose path holds this are meant.</summary>
    public string? Preferred { get; init; }

    /// <summary>All benchmarks.</summary>
    public static IReadOnlyList<BenchmarkDefinition> All { get; } =
    [
        new("hellaswag", Validation, ["hellaswag"], ChoicePrompts.HellaSwag) { Normalized = true },
        new("arc_easy", Test, ["arc_easy", "arc-easy", "ai2_arc/arc-easy"], ChoicePrompts.Arc) { Normalized = true },
        new("arc_challenge", Test, ["arc_challenge", "arc-challenge", "ai2_arc/arc-challenge"], ChoicePrompts.Arc) { Normalized = true },
        new("piqa", Validation, ["piqa"], ChoicePrompts.Piqa) { Normalized = true },
        new("winogrande", Validation, ["winogrande", "winogrande_xl"], ContextPrompts.WinoGrande) { Preferred = "winogrande_xl" },
        new("openbookqa", Test, ["openbookqa", "openbook_qa"], ChoicePrompts.OpenBookQa) { Normalized = true, Preferred = "main" },
        new("boolq", Validation, ["boolq", "super_glue/boolq"], ChoicePrompts.BoolQ),
        new("copa", Validation, ["copa", "super_glue/copa"], ChoicePrompts.Copa),
        new("wsc273", Test, ["wsc273", "winograd_wsc"], ContextPrompts.Wsc273) { Preferred = "wsc273" },
        new("lambada_openai", Test, ["lambada_openai", "lambada"], ContextPrompts.Lambada) { Guessed = true, Preferred = "default" },
        new("mmlu", Test, ["mmlu"], ChoicePrompts.Mmlu) { Preferred = "all" },
    ];
}
