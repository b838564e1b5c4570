using Halo.Core;

namespace Halo.Training.Tests;

/// <summary>A log that remembers its events.</summary>
internal sealed class MemoryLog : IRunLog
{
    public List<RunEvent> Events { get; } = [];

    public void Event(RunEvent entry) => Events.Add(entry);

    public void Progress(string title, long done, long total, string detail)
    {
    }

    public void Message(string text)
    {
    }
}
