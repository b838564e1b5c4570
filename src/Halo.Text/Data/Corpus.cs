using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Reads documents of text files, jsonl and parquet files, and folders of them.</summary>
public static class Corpus
{
    private static readonly string[] Endings = [".parquet", ".jsonl", ".json", ".jsonl.gz", ".jsonl.zst", ".jsonl.br", ".txt", ".txt.gz", ".txt.zst", ".txt.br", ".md"];

    /// <summary>The files of a path in a fixed order: itself, or all files below a folder that Halo can read.</summary>
    /// <exception cref="HaloException">There is no such path, or nothing readable below it.</exception>
    public static IReadOnlyList<string> Files(string path)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        if (!Directory.Exists(path))
        {
            throw new HaloException("there is no such file or folder", path, "give parquet, jsonl or text files, or a folder of them");
        }

        string[] files = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(file => Endings.Any(ending => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new HaloException("the folder holds no text", path, $"Halo reads {string.Join(", ", Endings)}");
    }

    /// <summary>All documents of a path, in order, each read when it is asked for. Empty documents are passed over.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="normalizeNewlines">Whether CRLF becomes LF.</param>
    /// <exception cref="HaloException">A file is missing, broken, truncated or has no text.</exception>
    public static IEnumerable<Document> Read(string path, bool normalizeNewlines = true)
    {
        foreach (string file in Files(path))
        {
            foreach (Document document in ReadFile(file))
            {
                string text = normalizeNewlines ? document.Text.Replace("\r\n", "\n", StringComparison.Ordinal) : document.Text;
                if (text.Length > 0)
                {
                    yield return document with { Text = text };
                }
            }
        }
    }

    private static IEnumerable<Document> ReadFile(string file)
    {
        if (file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase))
        {
            return ParquetDocuments.Read(file);
        }

        return file.Contains(".json", StringComparison.OrdinalIgnoreCase) ? JsonLines.Read(file) : [new Document(file, TextFile.ReadAll(file))];
    }
}
