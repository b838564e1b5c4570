namespace Halo.Training;

/// <summary>The learning rate as a function of the step.</summary>
/// <param name="options">Rates, steps and kind of schedule.</param>
public sealed class LearningRate(TrainingOptions options)
{
    /// <summary>
    /// The rate of an update. With W warm-up steps update k (from 0) has peak * (k + 1) / W for k below W; after it the progress
    /// p = (k - W + 1) / (steps - W) runs to 1 at the last update, which therefore has the final rate exactly.
    /// </summary>
    /// <param name="step">0-based number of the update.</param>
    public double At(long step)
    {
        double peak = options.LearningRate;
        double final = options.FinalLearningRate;
        if (step < options.WarmupSteps)
        {
            return peak * (step + 1) / options.WarmupSteps;
        }

        double progress = Progress(step, options.WarmupSteps);
        return options.Schedule switch
        {
            ScheduleKind.Cosine => final + ((peak - final) * 0.5 * (1 + Math.Cos(Math.PI * progress))),
            ScheduleKind.Linear => peak + ((final - peak) * progress),
            ScheduleKind.WarmupStableDecay => peak + ((final - peak) * Progress(step, options.Steps - options.DecaySteps)),
            _ => peak,
        };
    }

    private double Progress(long step, long from) => Math.Clamp((double)(step - from + 1) / Math.Max(1, options.Steps - from), 0, 1);
}
