using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Training;

/// <summary>
/// Keeps a run's events in events.jsonl and their numbers for TensorBoard (a folder, and so a "run" of TensorBoard, for each stage), and hands everything on
/// to a log that shows it.
/// </summary>
public sealed class RunLog : IRunLog, IRewindableLog, IDisposable
{
    private readonly RunFolder _run;
    private readonly IRunLog _display;
    private FileStream _events;
    private readonly Dictionary<string, TensorBoardWriter> _boards = [];

    /// <summary>Opens the run's events for appending; a last line that a kill left without its end is dropped.</summary>
    /// <param name="run">The run.</param>
    /// <param name="display">What shows progress.</param>
    /// <exception cref="HaloException">The folder cannot be written.</exception>
    public RunLog(RunFolder run, IRunLog display)
    {
        (_run, _display) = (run, display);
        Guard(() => Rewrite(_ => true));
        _events = Open();
    }

    /// <inheritdoc/>
    public void Event(RunEvent entry)
    {
        Guard(() =>
        {
            _events.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(entry, HaloJson.Line) + "\n"));
            Board(entry);
            _boards.GetValueOrDefault(entry.Stage)?.Flush();
        });
        _display.Event(entry);
    }

    /// <inheritdoc/>
    public void Progress(string title, long done, long total, string detail) => _display.Progress(title, done, total, detail);

    /// <inheritdoc/>
    public void Message(string text) => _display.Message(text);

    /// <inheritdoc/>
    public void Rewind(string stage, long step)
    {
        _events.Dispose();
        Guard(() =>
        {
            Rewrite(entry => entry.Stage != stage || entry.Step <= step);
            _events = Open();
            RewriteBoard(stage);
        });
        (_display as IRewindableLog)?.Rewind(stage, step);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _events.Dispose();
        foreach (TensorBoardWriter board in _boards.Values)
        {
            try
            {
                board.Dispose();
            }
            catch (IOException)
            {
                // The event that could not be written was an error already; a second one would hide it.
            }
        }
    }

    /// <summary>Tag of a figure: its key, PROBE/key for probes, key/0, key/1, ... for figures of several layers.</summary>
    private void Board(RunEvent entry)
    {
        if (entry.Kind is not ("step" or "probe"))
        {
            return;
        }

        if (!_boards.TryGetValue(entry.Stage, out TensorBoardWriter? board))
        {
            _boards[entry.Stage] = board = new TensorBoardWriter(Path.Combine(_run.TensorBoard, entry.Stage));
        }

        string prefix = entry.Kind == "probe" && entry.Values["probe"] is JsonValue name ? name + "/" : "";
        foreach ((string key, JsonNode? value) in entry.Values)
        {
            Figure(prefix + key, value);
        }

        void Figure(string tag, JsonNode? value)
        {
            if (value is JsonArray several)
            {
                for (int i = 0; i < several.Count; i++)
                {
                    Figure($"{tag}/{i}", several[i]);
                }
            }
            else if (value is JsonValue figure && figure.GetValueKind() == JsonValueKind.Number)
            {
                board.Scalar(tag, Number(figure), entry.Step, entry.Time);
            }
        }
    }

    /// <summary>Writes a stage's TensorBoard file anew from the events that are kept.</summary>
    private void RewriteBoard(string stage)
    {
        if (_boards.Remove(stage, out TensorBoardWriter? open))
        {
            open.Dispose();
        }

        string folder = Path.Combine(_run.TensorBoard, stage);
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (string old in Directory.GetFiles(folder, "events.out.tfevents.*"))
        {
            File.Delete(old);
        }

        foreach (string line in File.ReadLines(_run.Events))
        {
            if (Parse(line) is { } entry && entry.Stage == stage)
            {
                Board(entry);
            }
        }
    }

    /// <summary>A JsonValue made in memory converts to no other number type, so it goes through its text.</summary>
    private static double Number(JsonValue value) => JsonSerializer.Deserialize<double>(value.ToJsonString(HaloJson.Line), HaloJson.Line);

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"cannot write the run's events ({error.Message.TrimEnd('.')})", _run.Events, "check free space and permissions", error);
        }
    }

    private FileStream Open()
    {
        try
        {
            Directory.CreateDirectory(_run.Root);
            // Without a buffer: what a full disk refused must not be tried again on closing.
            return new FileStream(_run.Events, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"cannot write the run's events ({error.Message.TrimEnd('.')})", _run.Events, "check permissions, or choose another output folder", error);
        }
    }

    /// <summary>Keeps the lines that are whole and wanted; touches the file only when some go.</summary>
    private void Rewrite(Func<RunEvent, bool> keep)
    {
        if (!File.Exists(_run.Events))
        {
            return;
        }

        string text = File.ReadAllText(_run.Events);
        var kept = new StringBuilder();
        foreach (string line in text.Split('\n'))
        {
            if (Parse(line) is { } entry && keep(entry))
            {
                kept.Append(line).Append('\n');
            }
        }

        if (kept.Length != text.Length)
        {
            AtomicFile.WriteAllText(_run.Events, kept.ToString());
        }
    }

    private static RunEvent? Parse(string line)
    {
        try
        {
            return line.Length == 0 ? null : JsonSerializer.Deserialize<RunEvent>(line, HaloJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
