using Halo.Core;

namespace Halo.Cli;

/// <summary>Finds a recipe: a path, or a name in recipes/.</summary>
internal static class RecipePath
{
    public static string Find(string nameOrPath)
    {
        if (File.Exists(nameOrPath))
        {
            return nameOrPath;
        }

        string relative = Path.Combine("recipes", nameOrPath + ".json");
        return HaloHome.TryPath(relative)
            ?? (File.Exists(relative) ? relative : throw new HaloException($"there is no recipe '{nameOrPath}'", relative, "give a file, or the name of one in recipes/"));
    }
}
