namespace Halo.Conversion;

/// <summary>Measures teacher and student; its result is results.jsonl, empty where the recipe asks for no task.</summary>
internal sealed class EvaluateStage(ConversionRun run) : IConversionStage
{
    private readonly RunEvaluation _evaluation = new(run);

    public string Name => Stages.Evaluate;

    public bool IsDone => File.Exists(run.Folder.Results);

    public void Clear() => _evaluation.Clear();

    public void Run()
    {
        run.ReleaseTeacher();
        _evaluation.Run();
    }
}
