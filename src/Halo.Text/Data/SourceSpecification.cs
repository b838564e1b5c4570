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
}
