using Halo.Conversion.Selection;
using Halo.Models;
using Halo.Training;

namespace Halo.Conversion;

/// <summary>Stage 1: every RNN layer learns the output of the teacher's attention layer, all layers at once.</summary>
internal sealed class AlignStage(ConversionRun run) : IConversionStage
{
    private const long Salt = 1;

    public string Name => Stages.Align;

    public bool IsDone => run.Recipe.Stage1 is null || run.Store.IsFinal(Name);

    public void Clear() => run.Store.ClearTraining(Name);

    public void Run()
    {
        // Without a sweep only the layers that are to be converted need stage 1.
        IReadOnlyList<int> layers = run.AllLayers;
        if (!SelectionMethods.NeedsScores(run.Recipe.Selection))
        {
            layers = [.. layers.Except(SelectionMethods.Choose(run.Recipe.Selection, layers.Count, null).Layers)];
        }

        ModelConfiguration configuration = WeightTransfer.Configuration(run.TeacherConfiguration, run.Recipe.Student, []);
        using CausalLm aligned = WeightTransfer.Transfer(run.Teacher, configuration, run.Recipe.Student, run.Request.ComputeType);
        TrainingOptions training = run.Recipe.Stage1!.Training;
        run.Train(Name, run.Recipe.Stage1, new AlignmentObjective(run.Teacher, aligned, layers, training), Salt, aligned);
    }
}
