namespace Halo.Training;

/// <summary>A log that can forget what came after a checkpoint, so that a continued run has each step once.</summary>
internal interface IRewindableLog
{
    /// <summary>Forgets the events of a stage beyond a step.</summary>
    void Rewind(string stage, long step);
}
