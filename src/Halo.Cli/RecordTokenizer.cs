using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text;

namespace Halo.Cli;

/// <summary>Adds ids to records: those with messages are rendered by the model's chat template first.</summary>
internal sealed class RecordTokenizer(string folder)
{
    private static readonly string[] Results = ["text", "ids", "error"];
    private readonly HuggingFaceTokenizer _tokenizer = HuggingFaceTokenizer.Load(folder);
    private readonly Lazy<ChatTemplate> _template = new(() => ChatTemplate.Load(folder));

    /// <summary>The record of a line, with its ids, as a line.</summary>
    /// <exception cref="HaloException">The line is no record.</exception>
    public string Tokenize(string line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line, HaloJson.Lenient);
            JsonObject? entry = document.RootElement.ValueKind == JsonValueKind.Object ? Copy(document.RootElement) : null;
            if (entry is not null && entry.ContainsKey("messages"))
            {
                Render(entry);
            }
            else
            {
                AddIds(entry ?? [], where);
            }

            return entry!.ToJsonString(HaloJson.Line);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new HaloException($"the line is no JSON ({error.Message.TrimEnd('.')})", where, "give one JSON object a line", error);
        }
    }

    // Not JsonNode.Parse: where a key stands twice, the last counts, as in Python.
    private static JsonObject Copy(JsonElement element)
    {
        var result = new JsonObject();
        foreach (JsonProperty property in element.EnumerateObject())
        {
            result[property.Name] = property.Value.ValueKind switch
            {
                JsonValueKind.Object => JsonObject.Create(property.Value),
                JsonValueKind.Array => JsonArray.Create(property.Value),
                _ => JsonValue.Create(property.Value),
            };
        }

        return result;
    }

    private void Render(JsonObject entry)
    {
        foreach (string key in Results)
        {
            entry.Remove(key);
        }

        var variables = entry.Where(property => property.Key != "name").ToDictionary(property => property.Key, property => property.Value);
        try
        {
            string text = _template.Value.Render(JsonSerializer.SerializeToElement(variables));
            entry["text"] = text;
            entry["ids"] = Ids(text);
        }
        catch (HaloException error)
        {
            entry["error"] = error.Where is null ? error.What : $"{error.What} ({error.Where})";
        }
    }

    private void AddIds(JsonObject entry, string where)
    {
        if (entry["text"] is not JsonValue value || !value.TryGetValue(out string? text))
        {
            throw new HaloException("the record has neither messages nor a string 'text'", where, "give one JSON object with a key text or messages a line");
        }

        entry.Remove("error");
        entry["ids"] = Ids(text);
    }

    private JsonArray Ids(string text) => [.. _tokenizer.Encode(text).Select(id => (JsonNode)id)];
}
