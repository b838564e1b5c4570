using Halo.Text.Data;
using Halo.Training;

namespace Halo.Conversion.Recipes;

/// <summary>A training stage of a recipe: the keys of <see cref="TrainingOptions"/> and two of its own.</summary>
/// <param name="Training">How it is trained.</param>
/// <param name="Sources">The stage's own data sources; null: the recipe's.</param>
/// <param name="CrossEntropyWeight">Share of next-token cross-entropy added to the distillation loss (stage 2).</param>
public sealed record StageSpecification(TrainingOptions Training, IReadOnlyList<SourceSpecification>? Sources = null, double CrossEntropyWeight = 0);
