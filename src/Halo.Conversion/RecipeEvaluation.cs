using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Evaluation;
using Halo.Models;
using Halo.Text;

namespace Halo.Conversion;

/// <summary>Measures one model as the evaluation section of a recipe says.</summary>
internal static class RecipeEvaluation
{
    private const string Perplexity = "perplexity";

    /// <summary>Runs every task of the section.</summary>
    /// <param name="settings">The section.</param>
    /// <param name="defaultHaystack">Haystack and text where the section names none.</param>
    /// <param name="name">Who is measured, for the records.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="yarn">Factor under which the model was loaded, for the records; null for none.</param>
    /// <param name="log">Progress.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="HaloException">A task is unknown, or its text is missing.</exception>
    public static IReadOnlyList<ResultRecord> Measure(EvaluationSpecification settings, string? defaultHaystack, string name, CausalLm model, ITokenizer tokenizer, double? yarn, IRunLog log, CancellationToken cancellation)
    {
        string? haystack = settings.Haystack ?? defaultHaystack;
        var options = new EvaluationOptions { Lengths = settings.Lengths, Seed = settings.Seed, YarnFactor = yarn, Haystack = haystack, TextFile = settings.Text ?? haystack };
        return
        [
            .. settings.Tasks.SelectMany(task => EvaluationRunner.Run(
                model, tokenizer, options with { Tasks = [task], Limit = task == Perplexity ? settings.PerplexityLimit : settings.Limit }, log, name, cancellation)),
        ];
    }
}
