using System.Text;

namespace Halo.Core;

/// <summary>Writes files beside their place, flushes them to disk and renames them, so that a reader never sees half a file.</summary>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>; on any failure the old file stays and the partial one is removed.</summary>
    /// <exception cref="HaloException">The folder cannot be written or the disk is full.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string partial = $"{full}.{Environment.ProcessId}-{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream = new FileStream(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, full, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException || IsTooLarge(error))
        {
            TryDelete(partial);
            throw new HaloException($"cannot write the file ({error.Message.TrimEnd('.')})", full, "check free space and permissions, or choose another output folder", error);
        }
        catch
        {
            TryDelete(partial);
            throw;
        }
    }

    /// <summary>Writes a UTF-8 text file (no byte order mark) as a whole.</summary>
    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(new UTF8Encoding(false).GetBytes(text)));

    /// <summary>What .NET throws where the file system or a quota allows no file of this size.</summary>
    private static bool IsTooLarge(Exception error) => error is ArgumentOutOfRangeException { ParamName: "value", Source: "System.Private.CoreLib" };

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first error is the one worth telling.
        }
    }
}
