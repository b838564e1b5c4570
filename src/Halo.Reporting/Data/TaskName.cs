namespace Halo.Reporting;

/// <summary>Names of tasks for readers.</summary>
internal static class TaskName
{
    /// <summary>The usual name of a task.</summary>
    public static string Title(string task) => task switch
    {
        "niah_single_1" => "S-NIAH-1",
        "niah_single_2" => "S-NIAH-2",
        "niah_single_3" => "S-NIAH-3",
        "lambada_openai" => "LAMBADA",
        "perplexity" => "Perplexity",
        "hellaswag" => "HellaSwag",
        "arc_easy" => "ARC-Easy",
        "arc_challenge" => "ARC-Challenge",
        "winogrande" => "WinoGrande",
        "wikitext" => "WikiText",
        _ => task,
    };

    /// <summary>True for needle-in-a-haystack tasks.</summary>
    public static bool IsNeedle(string task) => task.StartsWith("niah", StringComparison.Ordinal);

    /// <summary>What a needle task hides in what.</summary>
    public static string Describe(string task) => task switch
    {
        "niah_single_1" => "a number in a repeated line",
        "niah_single_2" => "a number in running prose",
        "niah_single_3" => "a uuid in running prose",
        _ => "needle in a haystack",
    };
}
