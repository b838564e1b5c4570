using Halo.Text.Data;

namespace Halo.Conversion.Recipes;

/// <summary>A phase of pretraining: which data is read until a step.</summary>
public sealed record PhaseSpecification
{
    /// <summary>First step that is no longer of the phase; null: the end.</summary>
    public long? UntilStep { get; init; }

    /// <summary>Its sources.</summary>
    public IReadOnlyList<SourceSpecification> Sources { get; init; } = [];
}
