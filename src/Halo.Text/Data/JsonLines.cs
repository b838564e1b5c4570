using System.Text.Json;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Reads the key <c>text</c> of each line of a jsonl file.</summary>
internal static class JsonLines
{
    public static IEnumerable<Document> Read(string path)
    {
        using StreamReader reader = TextFile.Open(path);
        for (long number = 1; ReadLine(reader, path) is { } line; number++)
        {
            if (line.Length > 0)
            {
                yield return new Document($"{path}:{number}", TextOf(line, path, number));
            }
        }
    }

    private static string? ReadLine(StreamReader reader, string path)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (Exception error) when (TextFile.IsDamage(error))
        {
            throw TextFile.Damaged(path, error);
        }
    }

    private static string TextOf(string line, string path, long number)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String)
            {
                return text.GetString()!;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new HaloException($"the line is no valid JSON ({error.Message.TrimEnd('.')})", $"{path}:{number}", "give one JSON object a line", error);
        }

        throw new HaloException("the record has no string 'text'", $"{path}:{number}", "give objects with a key text");
    }
}
