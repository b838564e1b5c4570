namespace Halo.Training;

/// <summary>How training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps are done.</summary>
    Completed,

    /// <summary>It was asked to stop; a checkpoint was written and the same call continues from it.</summary>
    Stopped,
}
