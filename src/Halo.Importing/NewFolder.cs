using Halo.Core;

namespace Halo.Importing;

/// <summary>Writes a folder as a whole or not at all.</summary>
internal static class NewFolder
{
    // Inside of the target: the same file system, and the same permissions.
    private const string Unfinished = ".importing";

    /// <summary>Lets <paramref name="write"/> fill a folder, then moves what it wrote to <paramref name="target"/>.</summary>
    /// <exception cref="HaloException">The target is a file or not empty, or cannot be written.</exception>
    public static void Write(string target, Action<string> write)
    {
        string unfinished = Path.Combine(target, Unfinished);
        bool existed = Directory.Exists(target);
        try
        {
            Clear(target, unfinished);
            Directory.CreateDirectory(unfinished);
            try
            {
                write(unfinished);
                foreach (string file in Directory.EnumerateFiles(unfinished))
                {
                    File.Move(file, Path.Combine(target, Path.GetFileName(file)));
                }
            }
            finally
            {
                Directory.Delete(unfinished, true);
                if (!existed && !Directory.EnumerateFileSystemEntries(target).Any())
                {
                    Directory.Delete(target);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the folder cannot be written ({error.Message.TrimEnd('.')})", target, "check its permissions and the space on the disk", error);
        }
    }

    // What an import left that was killed is no content.
    private static void Clear(string target, string unfinished)
    {
        if (File.Exists(target))
        {
            throw new HaloException("there is a file of this name", target, "choose another folder");
        }

        if (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, true);
        }

        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new HaloException("the folder is not empty", target, "choose another folder, or empty this one");
        }
    }
}
