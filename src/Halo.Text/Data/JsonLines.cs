using System.Text.Json;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Reads the key <c>text</c> of each line of a jsonl file.</summary>
internal static class JsonLines
{
    private const string Remedy = "give one JSON object with a string key text a line";

    public static IEnumerable<Document> Read(string path)
    {
        using Stream stream = TextFile.OpenBytes(path);
        var lines = new LineBytes(stream, path);
        while (lines.TryNext(out ReadOnlyMemory<byte> line))
        {
            if (lines.Number == 1 && line.Span.StartsWith("\uFEFF"u8))
            {
                line = line[3..];
            }

            if (!line.Span.Trim(" \t\r"u8).IsEmpty)
            {
                string where = $"{path}:{lines.Number}";
                yield return new Document(where, TextOf(line.Span, where));
            }
        }
    }

    private static string TextOf(ReadOnlySpan<byte> line, string where)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject)
            {
                throw new HaloException("the line is no JSON object", where, Remedy);
            }

            string? text = null;
            bool found = false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool wanted = json.ValueTextEquals("text"u8);
                json.Read();
                if (wanted)
                {
                    found = true;
                    text = json.TokenType == JsonTokenType.String ? json.GetString() : null;
                }

                json.Skip();
            }

            // Reads on so that what follows the object is refused.
            json.Read();
            return text ?? throw new HaloException(found ? "the record's 'text' is no string" : "the record has no string 'text'", where, Remedy);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new HaloException($"the line is no valid JSON in UTF-8 ({error.Message.TrimEnd('.')})", where, Remedy, error);
        }
    }
}
