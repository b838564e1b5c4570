using Halo.Importing;

namespace Halo.Testing;

/// <summary>Real models under HALO_TEST_MODELS as Hugging Face folders; a test that wants one that is not there is skipped.</summary>
internal static class RealModel
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, string> Imported = [];

    /// <summary>The model's folder, or where it holds a file of another format only, a temporary folder with the imported model (made once a process).</summary>
    public static string Folder(string name)
    {
        string source = Path.Combine(Golden.RealModels ?? string.Empty, name);
        Assert.SkipWhen(Golden.RealModels is null || !Directory.Exists(source), $"HALO_TEST_MODELS does not name a folder with {name}");
        if (File.Exists(Path.Combine(source, "config.json")))
        {
            return source;
        }

        lock (Gate)
        {
            if (!Imported.TryGetValue(name, out string? folder))
            {
                folder = Directory.CreateTempSubdirectory("halo-real-model-").FullName;
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, true);
                ModelImport.Run(source, folder);
                Imported[name] = folder;
            }

            return folder;
        }
    }
}
