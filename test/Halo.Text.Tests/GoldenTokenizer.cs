using Halo.Testing;

namespace Halo.Text.Tests;

/// <summary>The tokenizers of the reference files.</summary>
internal static class GoldenTokenizer
{
    /// <summary>The folder of a tokenizer, unpacked.</summary>
    public static string Folder(string name)
    {
        string path = Golden.Path($"tokenizer/{name}/tokenizer.json");
        Golden.Path($"tokenizer/{name}/tokenizer_config.json");
        return Path.GetDirectoryName(path)!;
    }

    public static HuggingFaceTokenizer Load(string name) => HuggingFaceTokenizer.Load(Folder(name));
}
