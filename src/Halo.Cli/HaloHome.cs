using Halo.Core;

namespace Halo.Cli;

/// <summary>Finds what ships with Halo: recipes, the small models, the demo text. HALO_HOME names the folder; otherwise it is searched from the program's folder upwards.</summary>
internal static class HaloHome
{
    /// <summary>The full path of a shipped file or folder.</summary>
    /// <exception cref="HaloException">It is not there.</exception>
    public static string Path(string relative) => TryPath(relative)
        ?? throw new HaloException($"{relative} is not here", AppContext.BaseDirectory, "run halo from a checkout, or set HALO_HOME to the folder of one");

    /// <summary>The full path of a shipped file or folder, or null.</summary>
    public static string? TryPath(string relative) =>
        Roots().Select(root => System.IO.Path.Combine(root, relative)).FirstOrDefault(path => File.Exists(path) || Directory.Exists(path));

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable("HALO_HOME") is { Length: > 0 } home)
        {
            yield return home;
        }

        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = System.IO.Path.GetDirectoryName(folder.TrimEnd('/')))
        {
            yield return folder;
        }
    }
}
