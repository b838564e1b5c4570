using Halo.Text.Data;

namespace Halo.Conversion.Recipes;

/// <summary>The keys of a stage beside those of its training.</summary>
internal sealed record StageExtras
{
    public IReadOnlyList<SourceSpecification>? Sources { get; init; }

    public double CrossEntropyWeight { get; init; }
}
