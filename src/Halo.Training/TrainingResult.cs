namespace Halo.Training;

/// <summary>What <see cref="Trainer.Run"/> returns.</summary>
/// <param name="End">Completed or stopped.</param>
/// <param name="Step">Updates done.</param>
/// <param name="Loss">Mean loss of the last logged steps; NaN when no step was run (the stage was complete already).</param>
public sealed record TrainingResult(TrainingEnd End, long Step, double Loss);
