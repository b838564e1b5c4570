using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Models;
using Halo.Training;
using TorchSharp;

namespace Halo.Conversion;

/// <summary>Memory that the training stages of a recipe need.</summary>
internal static class StageMemory
{
    /// <summary>Bytes of a number on a device: 2 means bfloat16 with the kernels of a GPU.</summary>
    public static int ComputeBytes(torch.Device device, torch.ScalarType type) => device.type == DeviceType.CUDA && type == torch.ScalarType.BFloat16 ? 2 : 4;

    /// <summary>How a stage of a recipe trains; null where it does not.</summary>
    public static TrainingOptions? Training(Recipe recipe, string stage) => stage switch
    {
        Stages.Align => recipe.Stage1?.Training,
        Stages.Distill => recipe.Stage2?.Training,
        Stages.Extend => recipe.Stage3?.Training,
        _ => null,
    };

    /// <summary>What a training stage of a conversion needs.</summary>
    public static MemoryEstimate Of(Recipe recipe, ModelConfiguration teacher, string stage, TrainingOptions options, int computeBytes)
    {
        int kept = recipe.Selection.Kept(teacher.NumHiddenLayers);
        if (stage == Stages.Align)
        {
            // With a sweep every layer is aligned, otherwise those that are to be converted.
            int aligned = SelectionMethods.NeedsScores(recipe.Selection) ? teacher.NumHiddenLayers : teacher.NumHiddenLayers - kept;
            ModelConfiguration student = WeightTransfer.Configuration(teacher, recipe.Student, []);
            return MemoryEstimate.Of(student, options, computeBytes, Mixers(student) / teacher.NumHiddenLayers * aligned, teacher);
        }

        ModelConfiguration hybrid = WeightTransfer.Configuration(teacher, recipe.Student, [.. Enumerable.Range(0, kept)]);
        return MemoryEstimate.Of(hybrid, options, computeBytes, null, stage == Stages.Distill ? teacher : null);
    }

    /// <summary>Numbers in the mixers of a model.</summary>
    public static long Mixers(ModelConfiguration model) =>
        CausalLm.Shapes(model).Where(entry => entry.Key.Contains(".self_attn.", StringComparison.Ordinal)).Sum(entry => entry.Value.Aggregate(1L, (product, size) => product * size));
}
