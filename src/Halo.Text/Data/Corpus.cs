using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Reads documents of text files, jsonl and parquet files, and folders of them. Memory stays bounded whatever the size of the files.</summary>
public static class Corpus
{
    /// <summary>Longest document of a jsonl line or parquet row (bytes), and longest stretch of a text file without a line break (characters).</summary>
    public const int LongestDocument = 64 << 20;

    /// <summary>The files of a path in a fixed order: itself, or all files below a folder that Halo can read.</summary>
    /// <exception cref="HaloException">There is no such path, nothing readable below it, or a folder that may not be read.</exception>
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

        try
        {
            string[] files = [.. FilesBelow(path, Path.GetFullPath(path), []).Where(file => CorpusFormats.Known(file) is not null).Order(StringComparer.Ordinal)];
            return files.Length > 0 ? files : throw new HaloException("the folder holds no text", path, $"Halo reads {CorpusFormats.Endings}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the folder cannot be read ({error.Message.TrimEnd('.')})", path, "check its permissions and links", error);
        }
    }

    /// <summary>
    /// All documents of a path, in order, each read when it is asked for. Empty documents are passed over. Text files of any size come in pieces
    /// (<see cref="Document.Continues"/>) that are cut where a line begins.
    /// </summary>
    /// <param name="path">File or folder.</param>
    /// <param name="normalizeNewlines">Whether CRLF becomes LF.</param>
    /// <exception cref="HaloException">A file is missing, broken, truncated, has no text, or a document over <see cref="LongestDocument"/>.</exception>
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

    /// <summary>Follows links to folders, but enters each folder once, so that a link to a folder above it repeats no text.</summary>
    private static IEnumerable<string> FilesBelow(string folder, string real, HashSet<string> entered)
    {
        if (!entered.Add(real))
        {
            return [];
        }

        return Directory.EnumerateFiles(folder).Concat(Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal).SelectMany(inner =>
            FilesBelow(inner, Directory.ResolveLinkTarget(inner, returnFinalTarget: true)?.FullName ?? Path.Combine(real, Path.GetFileName(inner)), entered)));
    }

    private static IEnumerable<Document> ReadFile(string file) => CorpusFormats.Of(file) switch
    {
        CorpusFormat.Parquet => ParquetDocuments.Read(file),
        CorpusFormat.JsonLines => JsonLines.Read(file),
        _ => TextPieces.Read(file),
    };
}
