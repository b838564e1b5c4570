using Halo.Models;
using Halo.Training;

namespace Halo.Conversion;

/// <summary>Stage 3: the student learns to use long rows, by next-token prediction and without the teacher.</summary>
internal sealed class ExtendStage(ConversionRun run) : IConversionStage
{
    private const long Salt = 3;

    public string Name => Stages.Extend;

    public bool IsDone => run.Store.IsFinal(Name);

    public void Clear() => run.Store.ClearTraining(Name);

    public void Run()
    {
        run.ReleaseTeacher();
        using CausalLm student = run.LoadFinal(Stages.Distill);
        if (run.Recipe.Stage3 is { } stage)
        {
            run.Train(Name, stage, new NextTokenObjective(student, stage.Training), Salt, student);
        }
        else
        {
            run.Store.SaveFinal(Name, student);
        }
    }
}
