using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Evaluation;

/// <summary>Writes one record an item (jsonl, in the form of golden/eval). Lines go to a partial file beside the place, which takes the name when <see cref="Commit"/> is called; without it nothing is left.</summary>
public sealed class SampleWriter : IDisposable
{
    private readonly string path;
    private readonly string partial;
    private StreamWriter? writer;

    /// <summary>Opens the partial file.</summary>
    /// <param name="path">Where the records shall be.</param>
    /// <exception cref="HaloException">The folder cannot be written.</exception>
    public SampleWriter(string path)
    {
        this.path = Path.GetFullPath(path);
        partial = $"{this.path}.{Environment.ProcessId}-{Guid.NewGuid():N}.partial";
        Guard(() =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(this.path)!);
            writer = new StreamWriter(partial);
        });
    }

    /// <summary>Adds a record.</summary>
    /// <exception cref="HaloException">The disk is full.</exception>
    public void Write(JsonObject record) => Guard(() =>
    {
        writer!.Write(record.ToJsonString(HaloJson.Line));
        writer.Write('\n');
    });

    /// <summary>Puts the finished file in its place.</summary>
    /// <exception cref="HaloException">The disk is full or the place cannot be written.</exception>
    public void Commit() => Guard(() =>
    {
        writer!.Flush();
        ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
        writer.Dispose();
        writer = null;
        File.Move(partial, path, overwrite: true);
    });

    /// <summary>Closes; what was not committed is removed.</summary>
    public void Dispose()
    {
        try
        {
            writer?.Dispose();
            File.Delete(partial);
        }
        catch (IOException)
        {
            // A full disk was told by Write or Commit already.
        }

        writer = null;
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the samples cannot be written ({error.Message.TrimEnd('.')})", path, "check free space and permissions, or choose another place with --samples", error);
        }
    }
}
