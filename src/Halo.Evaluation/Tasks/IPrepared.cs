namespace Halo.Evaluation;

/// <summary>A task that can read and encode ahead of the device.</summary>
internal interface IPrepared
{
    /// <summary>Begins once <paramref name="after"/> has ended, however it ended; errors are told when the task runs.</summary>
    Task Prepare(EvaluationContext context, Task after);
}
