using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Evaluation;

/// <summary>
/// Finds and reads the records of a benchmark in a folder: NAME.jsonl (also .json, .parquet, and .gz, .zst, .br of the first two), or a folder NAME as Hugging Face lays it out,
/// of whose files those of the split are taken (or all, where none names a split).
/// </summary>
internal static class BenchmarkFiles
{
    private const int Depth = 5;
    private static readonly string[] Endings = [".jsonl", ".json", ".parquet", ".txt"];
    private static readonly string[] Packings = ["", ".gz", ".zst", ".br"];
    private static readonly string[] AllSplits = ["train", "validation", "val", "valid", "dev", "test"];

    /// <summary>The files, sorted by name; several parts of one split make one set.</summary>
    /// <param name="folder">The folder given with --benchmarks, or null.</param>
    /// <param name="task">Task name, for messages.</param>
    /// <param name="places">File and folder names to look for, in this order.</param>
    /// <param name="splits">Names of the split.</param>
    /// <param name="preferred">Where files of several configurations fit, those whose path holds this.</param>
    /// <exception cref="HaloException">No folder was given, or nothing fits.</exception>
    public static IReadOnlyList<string> Find(string? folder, string task, IReadOnlyList<string> places, IReadOnlyList<string> splits, string? preferred)
    {
        if (folder is null)
        {
            throw new HaloException("no folder of benchmark files was given", task, $"give the folder that holds {places[0]}.jsonl with --benchmarks");
        }

        (string Path, string Name)[] all = [.. Listing(folder).Select(path => (path, Path.GetRelativePath(folder, path).Replace('\\', '/').ToLowerInvariant()))];
        foreach (string place in places)
        {
            string? single = all.Where(file => Endings.Any(ending => Packings.Any(packing => file.Name == place + ending + packing))).Select(file => file.Path).Order(StringComparer.Ordinal).FirstOrDefault();
            if (single is not null)
            {
                return [single];
            }

            (string Path, string Name)[] inside = [.. all.Where(file => file.Name.StartsWith(place + "/", StringComparison.Ordinal) && Endings.Any(ending => Packings.Any(packing => file.Name.EndsWith(ending + packing, StringComparison.Ordinal))))];
            inside = Narrowed(inside, file => preferred is not null && file.Name.Contains(preferred, StringComparison.Ordinal));
            (string Path, string Name)[] ofSplit = [.. inside.Where(file => splits.Any(split => Names(file.Name[place.Length..], split)))];
            inside = ofSplit.Length > 0 ? ofSplit : [.. inside.Where(file => !AllSplits.Any(split => Names(file.Name[place.Length..], split)))];
            if (inside.Length > 0)
            {
                return [.. inside.OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => file.Path)];
            }
        }

        throw new HaloException($"the benchmark file of {task} is missing", folder, $"put {places[0]}.jsonl or {places[0]}.parquet ({splits[0]} split) into the folder given with --benchmarks");
    }

    /// <summary>The records of files, in order.</summary>
    /// <exception cref="HaloException">A file is broken or a line is no JSON object.</exception>
    public static IEnumerable<JsonObject> Read(IReadOnlyList<string> paths) => paths.SelectMany(path =>
        path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? ParquetRecords.Read(path) : Lines(path));

    private static IEnumerable<JsonObject> Lines(string path)
    {
        string text = TextFile.ReadAll(path);
        if (text.AsSpan().TrimStart() is ['[', ..])
        {
            foreach (JsonNode? entry in Parsed(text, path, 1) as JsonArray ?? [])
            {
                yield return entry as JsonObject ?? throw NoObject(path, 1);
            }

            yield break;
        }

        long number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return Parsed(line, path, number) as JsonObject ?? throw NoObject(path, number);
            }
        }
    }

    private static JsonNode? Parsed(string text, string path, long line)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException error)
        {
            throw new HaloException($"line {line} is no valid JSON ({error.Message.TrimEnd('.')})", path, "give one JSON object a line", error);
        }
    }

    private static HaloException NoObject(string path, long line) => new($"line {line} is no JSON object", path, "give one JSON object a line");

    private static IEnumerable<string> Listing(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = Depth, IgnoreInaccessible = true })];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the folder of benchmark files cannot be read ({error.Message.TrimEnd('.')})", folder, "check the path given with --benchmarks", error);
        }
    }

    private static T[] Narrowed<T>(T[] files, Func<T, bool> preferred) => files.Where(preferred).ToArray() is { Length: > 0 } fewer ? fewer : files;

    /// <summary>Whether a path holds the split's name as a word of its own.</summary>
    private static bool Names(string path, string split) => path.Split('/', '-', '_', '.').Contains(split);
}
