using System.Text.Json;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>Reads jsonl files; an error names the file and the line.</summary>
internal static class JsonLines
{
    /// <summary>All records of a file; an empty list where there is no such file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="check">Returns what is wrong with a record, or null.</param>
    public static IReadOnlyList<T> Read<T>(string path, Func<T, string?> check)
        where T : class
    {
        if (!File.Exists(path))
        {
            return [];
        }

        var records = new List<T>();
        int number = 0;
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                number++;
                if (!string.IsNullOrWhiteSpace(line))
                {
                    records.Add(Parse(line, path, number, check));
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check its permissions", error);
        }

        return records;
    }

    private static T Parse<T>(string line, string path, int number, Func<T, string?> check)
    {
        try
        {
            T record = JsonSerializer.Deserialize<T>(line, HaloJson.Line) ?? throw new JsonException("the line is null");
            return check(record) is { } wrong ? throw new JsonException(wrong) : record;
        }
        catch (Exception error) when (error is JsonException or NotSupportedException or ArgumentException)
        {
            // Only the reason: the position that the reader adds counts from the line, and the line is named below.
            string reason = error.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0].TrimEnd('.');
            throw new HaloException($"the line is no valid record ({reason})", $"{path}, line {number}", "mend or remove this line, then make the report again", error);
        }
    }
}
