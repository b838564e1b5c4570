using System.Diagnostics;
using Halo.Core;

namespace Halo.Cli;

/// <summary>Shows progress on stderr: one line that redraws itself on a terminal, plain lines every few seconds elsewhere.</summary>
internal sealed class ConsoleRunLog : IRunLog
{
    private const int BarWidth = 24;
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private readonly Stopwatch _sinceShown = new();
    private readonly Stopwatch _sinceStart = new();
    private string? _title;
    private long _first;
    private bool _lineOpen;

    /// <inheritdoc/>
    public void Event(RunEvent entry)
    {
        // The run folder's log keeps events; the screen shows progress.
    }

    /// <inheritdoc/>
    public void Progress(string title, long done, long total, string detail)
    {
        if (title != _title)
        {
            EndLine();
            _title = title;
            _first = done;
            _sinceStart.Restart();
            _sinceShown.Reset();
        }

        double interval = _terminal ? 0.2 : 5;
        if ((done < total || total == 0) && _sinceShown.IsRunning && _sinceShown.Elapsed.TotalSeconds < interval)
        {
            return;
        }

        _sinceShown.Restart();
        string line = total > 0 ? $"{title} {done:N0}/{total:N0}  {detail}{TimeLeft(done, total)}" : $"{title} {done:N0} {detail}";
        if (!_terminal)
        {
            Console.Error.WriteLine(line);
            return;
        }

        int filled = total > 0 ? (int)(BarWidth * Math.Min(done, total) / total) : 0;
        string bar = new string('#', filled) + new string('.', BarWidth - filled);
        int width = Math.Max(20, Console.WindowWidth - 1);
        string text = $"[{bar}] {line}";
        Console.Error.Write("\r" + (text.Length > width ? text[..width] : text.PadRight(width)));
        _lineOpen = true;
        if (total > 0 && done >= total)
        {
            EndLine();
        }
    }

    /// <inheritdoc/>
    public void Message(string text)
    {
        EndLine();
        Console.Error.WriteLine(text);
    }

    private string TimeLeft(long done, long total)
    {
        if (done <= _first || done >= total)
        {
            return "";
        }

        var left = TimeSpan.FromSeconds(_sinceStart.Elapsed.TotalSeconds / (done - _first) * (total - done));
        return left.TotalHours >= 1 ? $", {(int)left.TotalHours}h {left.Minutes:00}m left" : $", {(int)left.TotalMinutes}m {left.Seconds:00}s left";
    }

    private void EndLine()
    {
        if (_lineOpen)
        {
            Console.Error.WriteLine();
            _lineOpen = false;
        }
    }
}
