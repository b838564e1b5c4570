namespace Halo.Training;

/// <summary>How the learning rate runs after the linear warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>Stays at the peak.</summary>
    Constant,

    /// <summary>Half a cosine from the peak to the final rate at the last step.</summary>
    Cosine,

    /// <summary>A straight line from the peak to the final rate at the last step.</summary>
    Linear,

    /// <summary>Stays at the peak, then a straight line to the final rate over the last <see cref="TrainingOptions.DecaySteps"/> steps.</summary>
    WarmupStableDecay,
}
