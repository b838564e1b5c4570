using Halo.Core;

namespace Halo.Conversion.Tests;

/// <summary>Keeps messages, and asks to stop when a line holds a text.</summary>
internal sealed class StoppingLog(string? stopAt = null) : IRunLog, IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public List<string> Lines { get; } = [];

    public void Event(RunEvent entry)
    {
    }

    public void Progress(string title, long done, long total, string detail) => Add($"{title} {done}/{total} {detail}");

    public void Message(string text) => Add(text);

    public void Dispose() => _source.Dispose();

    private void Add(string line)
    {
        Lines.Add(line);
        if (stopAt is not null && line.Contains(stopAt, StringComparison.Ordinal))
        {
            _source.Cancel();
        }
    }
}
