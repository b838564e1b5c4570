using Halo.Core;

namespace Halo.Conversion;

/// <summary>
/// HALO from teacher to measured student: alignment, selection, distillation, long-context fine-tuning, choice of a, export, evaluation. Each stage
/// leaves its result in the run folder, so that running again continues where it stopped.
/// </summary>
public static class Pipeline
{
    /// <summary>Runs a conversion, or continues it. With <see cref="PipelineRequest.From"/>, that stage and all after it are done anew.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="display">Where progress is shown.</param>
    /// <param name="cancellation">Asks to stop: a checkpoint is written first.</param>
    /// <exception cref="HaloException">Something in recipe, teacher, data or run folder is wrong.</exception>
    public static PipelineResult Run(PipelineRequest request, IRunLog display, CancellationToken cancellation)
    {
        int from = request.From is { } first ? Stages.IndexOf(first, "--from") : 0;
        int until = request.Until is { } last ? Stages.IndexOf(last, "--until") : Stages.All.Count - 1;
        if (from > until)
        {
            throw new HaloException($"--from {request.From} comes after --until {request.Until}", "--from", "turn them round");
        }

        using var run = new ConversionRun(request, display, cancellation);
        IConversionStage[] stages = [new AlignStage(run), new SelectStage(run), new DistillStage(run), new ExtendStage(run), new ScaleStage(run), new ExportStage(run), new EvaluateStage(run)];
        if (request.From is not null)
        {
            Restart(stages, from, run.Folder);
        }

        IConversionStage stage = stages[from];
        try
        {
            for (int index = from; index <= until; index++)
            {
                stage = stages[index];
                cancellation.ThrowIfCancellationRequested();
                if (!stage.IsDone)
                {
                    // What later stages made of another result of this one is worth nothing.
                    Clear(stages, index + 1);
                    stage.Run();
                }
            }

            return new PipelineResult(true, stage.Name);
        }
        catch (OperationCanceledException)
        {
            display.Message($"stopped in {stage.Name}; halo convert {request.Run} continues");
            return new PipelineResult(false, stage.Name);
        }
    }

    private static void Restart(IConversionStage[] stages, int from, RunFolder folder)
    {
        if (stages[..from].FirstOrDefault(stage => !stage.IsDone) is { } missing)
        {
            throw new HaloException($"{missing.Name} has not been finished, so {stages[from].Name} cannot begin", folder.Root, "continue the run without --from");
        }

        Clear(stages, from);
    }

    // The last first: whatever ends this midway, the stages that are still done follow each other.
    private static void Clear(IConversionStage[] stages, int from)
    {
        foreach (IConversionStage stage in stages[from..].Reverse())
        {
            stage.Clear();
        }
    }
}
