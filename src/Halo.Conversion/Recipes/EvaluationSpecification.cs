namespace Halo.Conversion.Recipes;

/// <summary>What is measured at the end.</summary>
public sealed record EvaluationSpecification
{
    /// <summary>Tasks; none: no evaluation.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>Lengths, tokens.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>Items a task and length at most; null: what published tables use.</summary>
    public int? Limit { get; init; }

    /// <summary>Windows of perplexity a length at most.</summary>
    public int? PerplexityLimit { get; init; } = 32;

    /// <summary>Seed.</summary>
    public long Seed { get; init; }

    /// <summary>YaRN factors under which the teacher is measured too.</summary>
    public IReadOnlyList<double> TeacherYarn { get; init; } = [];

    /// <summary>Whether the student as it is before any training is measured too.</summary>
    public bool Untrained { get; init; } = true;

    /// <summary>Haystack of the needle tasks; null: the prose that ships with Halo.</summary>
    public string? Haystack { get; init; }

    /// <summary>Text of perplexity; null: the haystack.</summary>
    public string? Text { get; init; }

    /// <summary>Prompts that teacher and student continue for the report.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];
}
