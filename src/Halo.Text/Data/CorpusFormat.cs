using Halo.Core;

namespace Halo.Text.Data;

/// <summary>What the ending of a file's name says about it. Only the name counts, never the folders above it.</summary>
internal enum CorpusFormat
{
    /// <summary>Plain text, one document a file.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    JsonLines,

    /// <summary>Parquet.</summary>
    Parquet,
}

/// <summary>Reads <see cref="CorpusFormat"/> off a file's name.</summary>
internal static class CorpusFormats
{
    /// <summary>What Halo takes out of a folder, for messages.</summary>
    public const string Endings = ".parquet, .jsonl, .json, .ndjson, .txt, .md and all but the first also as .gz, .zst and .br";

    private static readonly string[] Foreign = [".xz", ".bz2", ".zip", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".arrow", ".feather", ".pdf", ".docx", ".safetensors", ".gguf"];

    /// <summary>The compression's ending (.gz, .zst, .br in lower case), or an empty string.</summary>
    public static string Compression(string path)
    {
        string ending = Ending(path);
        return ending is ".gz" or ".zst" or ".br" ? ending : "";
    }

    /// <summary>The format of a file with a known ending; null for other files.</summary>
    public static CorpusFormat? Known(string path)
    {
        string compression = Compression(path);
        return Ending(path[..^compression.Length]) switch
        {
            ".jsonl" or ".json" or ".ndjson" => CorpusFormat.JsonLines,
            ".txt" or ".md" => CorpusFormat.Text,
            ".parquet" when compression.Length == 0 => CorpusFormat.Parquet,
            _ => null,
        };
    }

    /// <summary>The format of a file that was named itself: text where the ending is unknown.</summary>
    /// <exception cref="HaloException">It is an archive or another format that Halo does not read.</exception>
    public static CorpusFormat Of(string path)
    {
        if (Known(path) is { } format)
        {
            return format;
        }

        string compression = Compression(path);
        if (compression.Length > 0 && Ending(path[..^compression.Length]) == ".parquet")
        {
            throw new HaloException("parquet files inside another compression are not read", path, $"unpack the {compression[1..]} file first");
        }

        string inner = Ending(path[..^compression.Length]);
        return Foreign.Contains(inner)
            ? throw new HaloException($"Halo does not read {inner} files as text", path, $"unpack or convert it to one of {Endings}")
            : CorpusFormat.Text;
    }

    private static string Ending(string path) => Path.GetExtension(path).ToLowerInvariant();
}
