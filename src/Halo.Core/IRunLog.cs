namespace Halo.Core;

/// <summary>Where long work reports: events that are kept, progress that is shown, and plain messages. Implementations are safe to call from one thread at a time.</summary>
public interface IRunLog
{
    /// <summary>Keeps an event (events.jsonl, TensorBoard) where the run has a folder.</summary>
    void Event(RunEvent entry);

    /// <summary>Shows progress: <paramref name="done"/> of <paramref name="total"/>, with a short text such as "loss 3.21, 12.3K tokens/s".</summary>
    void Progress(string title, long done, long total, string detail);

    /// <summary>Shows a line.</summary>
    void Message(string text);
}
