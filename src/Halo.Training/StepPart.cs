namespace Halo.Training;

/// <summary>Parts of a training step, for measuring.</summary>
internal enum StepPart
{
    TeacherForward,
    StudentForward,
    Loss,
    Backward,
    Optimizer,
}
