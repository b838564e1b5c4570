using System.IO.Compression;
using Halo.Core;

namespace Halo.Evaluation;

/// <summary>Reads text for haystacks and perplexity: a file (plain, .br, .gz) or all such .txt files of a folder.</summary>
internal static class PlainText
{
    /// <summary>The text; files of a folder in the ordinal order of their names, an empty line between.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="option">The command-line option that gave it, for the error.</param>
    /// <exception cref="HaloException">Nothing is there or it cannot be read.</exception>
    public static string Read(string path, string option)
    {
        try
        {
            string text = string.Join("\n\n", Files(path, option).Select(ReadFile));
            return text.Length > 0 ? text : throw new HaloException("the text is empty", path, $"give a text with {option}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            throw new HaloException($"the text cannot be read ({error.Message.TrimEnd('.')})", path, $"check the file or give another with {option}", error);
        }
    }

    /// <summary>The files that <see cref="Read"/> would read.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="option">The command-line option that gave it, for the error.</param>
    /// <exception cref="HaloException">Nothing is there.</exception>
    public static IReadOnlyList<string> Files(string path, string option)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        string[] files = !Directory.Exists(path) ? [] : [.. Directory.EnumerateFiles(path)
            .Where(file => file.EndsWith(".txt", StringComparison.Ordinal) || file.EndsWith(".txt.br", StringComparison.Ordinal) || file.EndsWith(".txt.gz", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new HaloException("there is no such file and no folder with .txt files", path, $"give a text file or a folder of .txt files with {option}");
    }

    private static string ReadFile(string path)
    {
        using Stream file = File.OpenRead(path);
        using Stream content = Path.GetExtension(path) switch
        {
            ".br" => new BrotliStream(file, CompressionMode.Decompress),
            ".gz" => new GZipStream(file, CompressionMode.Decompress),
            _ => file,
        };
        using var reader = new StreamReader(content);
        return reader.ReadToEnd();
    }
}
