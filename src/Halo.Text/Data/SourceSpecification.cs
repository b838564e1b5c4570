using Halo.Core;

namespace Halo.Text.Data;

/// <summary>One source of rows in a recipe: text (from <see cref="Path"/>, or from the command line's --data where that is null) or synthetic recall.</summary>
public sealed record SourceSpecification
{
    /// <summary>File or folder of text; null: the folders of --data.</summary>
    public string? Path { get; init; }

    /// <summary>Synthetic recall documents instead of text.</summary>
    public RecallOptions? Recall { get; init; }

    /// <summary>Share of rows, relative to the other sources.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Checks a list of sources.</summary>
    /// <exception cref="HaloException">It is empty, a weight is not positive, or recall options are impossible.</exception>
    public static void Validate(IReadOnlyList<SourceSpecification> sources, string where)
    {
        if (sources is null || sources.Count == 0 || sources.Any(source => source is null || !(source.Weight > 0) || !double.IsFinite(source.Weight)))
        {
            throw new HaloException("there is no source, or one without a positive weight", where, "give sources with weights above 0");
        }

        foreach (SourceSpecification source in sources)
        {
            source.Recall?.Validate($"{where}.recall");
        }
    }
}
