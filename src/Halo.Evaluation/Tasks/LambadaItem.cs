using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Evaluation;

/// <summary>A LAMBADA item: guess the last word of a passage.</summary>
/// <param name="Context">All but the last word, without the space before it.</param>
/// <param name="Continuation">A space and the last word.</param>
internal sealed record LambadaItem(string Context, string Continuation)
{
    /// <summary>Splits a passage at its last single space alone, so that the last "word" may hold line breaks.</summary>
    /// <exception cref="FormatException">The passage has no space.</exception>
    public static LambadaItem FromText(string text)
    {
        int space = text.LastIndexOf(' ');
        return space >= 0 ? new LambadaItem(text[..space], text[space..]) : throw new FormatException("the text has no space");
    }

    /// <summary>Reads either shape: {"text"} of the original set, or {"context", "continuation"} with the word alone.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static LambadaItem FromJson(JsonObject item)
    {
        if (item["text"] is JsonValue text && text.TryGetValue(out string? passage))
        {
            return FromText(passage);
        }

        return item["context"] is JsonValue context && item["continuation"] is JsonValue word && context.TryGetValue(out string? before) && word.TryGetValue(out string? last)
            ? new LambadaItem(before, " " + last)
            : throw new FormatException("it has neither text nor context and continuation");
    }

    /// <summary>Reads a jsonl file of items.</summary>
    /// <exception cref="HaloException">The file is missing or a line is no item.</exception>
    public static IReadOnlyList<LambadaItem> ReadFile(string path)
    {
        var items = new List<LambadaItem>();
        try
        {
            foreach (string line in File.ReadLines(path).Where(line => line.Length > 0))
            {
                items.Add(FromJson(JsonNode.Parse(line) as JsonObject ?? throw new FormatException("it is no JSON object")));
            }
        }
        catch (Exception error) when (error is JsonException or FormatException or ArgumentException)
        {
            throw new HaloException($"line {items.Count + 1} is no LAMBADA item: {error.Message.TrimEnd('.')}", path, "use the jsonl of the OpenAI version of LAMBADA ({\"text\": ..} a line)", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the benchmark file cannot be read ({error.Message.TrimEnd('.')})", path, "put lambada_openai.jsonl into the folder given with --benchmarks", error);
        }

        return items.Count > 0 ? items : throw new HaloException("the file holds no items", path, "use the jsonl of the OpenAI version of LAMBADA");
    }
}
