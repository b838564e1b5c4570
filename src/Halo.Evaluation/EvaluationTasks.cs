using Halo.Core;

namespace Halo.Evaluation;

/// <summary>The tasks by name.</summary>
public static class EvaluationTasks
{
    private static readonly Dictionary<string, Func<IEvaluationTask>> Makers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["perplexity"] = () => new PerplexityTask(),
        ["niah_single_1"] = () => new NeedleTask(NeedleKind.Single1),
        ["niah_single_2"] = () => new NeedleTask(NeedleKind.Single2),
        ["niah_single_3"] = () => new NeedleTask(NeedleKind.Single3),
        ["wikitext"] = () => new WikitextTask(),
        ["fda"] = () => new ContainsTask("fda"),
        ["swde"] = () => new ContainsTask("swde"),
        ["squad_completion"] = () => new ContainsTask("squad_completion"),
    };

    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["s-niah-1"] = "niah_single_1",
        ["s-niah-2"] = "niah_single_2",
        ["s-niah-3"] = "niah_single_3",
        ["lambada"] = "lambada_openai",
    };

    static EvaluationTasks()
    {
        foreach (BenchmarkDefinition definition in BenchmarkDefinition.All)
        {
            Makers.Add(definition.Name, () => new BenchmarkTask(definition));
        }

        Names = [.. Makers.Keys];
    }

    /// <summary>All names, without aliases.</summary>
    public static IReadOnlyList<string> Names { get; }

    /// <summary>The task of a name or alias; case does not matter.</summary>
    /// <exception cref="HaloException">There is none.</exception>
    public static IEvaluationTask Create(string name) =>
        Makers.TryGetValue(Aliases.GetValueOrDefault(name.Trim(), name.Trim()), out Func<IEvaluationTask>? make)
            ? make()
            : throw new HaloException($"there is no task named {name.Trim()}", "--tasks", $"choose from {string.Join(", ", Names)}");
}
