namespace Halo.Core;

/// <summary>A log that keeps and shows nothing.</summary>
public sealed class NullRunLog : IRunLog
{
    /// <summary>The one instance.</summary>
    public static NullRunLog Instance { get; } = new();

    /// <inheritdoc/>
    public void Event(RunEvent entry)
    {
    }

    /// <inheritdoc/>
    public void Progress(string title, long done, long total, string detail)
    {
    }

    /// <inheritdoc/>
    public void Message(string text)
    {
    }
}
