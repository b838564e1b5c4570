namespace Halo.Reporting;

/// <summary>The measured models in the order in which the report shows them, and their names for readers.</summary>
internal static class Column
{
    /// <summary>Model name of the Transformer that was converted.</summary>
    public const string Teacher = "teacher";

    /// <summary>Model name of the HypeNet that came out.</summary>
    public const string Student = "student";

    /// <summary>Model name of the student after weight transfer alone.</summary>
    public const string Untrained = "untrained";

    /// <summary>Teacher, student, weight transfer only, then all others as they come.</summary>
    public static IReadOnlyList<string> Order(IEnumerable<string> models) =>
        [.. models.Distinct().Select((model, place) => (model, place)).OrderBy(pair => Rank(pair.model)).ThenBy(pair => pair.place).Select(pair => pair.model)];

    /// <summary>Name for readers.</summary>
    public static string Title(string model) => model switch
    {
        Teacher => "Teacher",
        Student => "Student",
        Untrained => "Weight transfer only",
        _ => model,
    };

    private static int Rank(string model) => model switch { Teacher => 0, Student => 1, Untrained => 2, _ => 3 };
}
