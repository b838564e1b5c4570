using System.Globalization;
using System.Text.Json.Nodes;

namespace Halo.Evaluation;

/// <summary>Reads the fields of a benchmark's record.</summary>
internal static class RecordFields
{
    /// <summary>A string.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static string Text(this JsonObject record, string key) =>
        record[key] is JsonValue value && value.TryGetValue(out string? text) ? text : throw new FormatException($"it has no text '{key}'");

    /// <summary>A list of strings.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static IReadOnlyList<string> Texts(this JsonObject record, string key)
    {
        var texts = new List<string>();
        foreach (JsonNode? entry in record[key] as JsonArray ?? throw new FormatException($"it has no list '{key}'"))
        {
            texts.Add(entry is JsonValue value && value.TryGetValue(out string? text) ? text : throw new FormatException($"its list '{key}' holds other things than texts"));
        }

        return texts;
    }

    /// <summary>An integer, also one written as text, and false and true as 0 and 1.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static int Integer(this JsonObject record, string key)
    {
        if (record[key] is JsonValue value)
        {
            if (value.TryGetValue(out int number))
            {
                return number;
            }

            if (value.TryGetValue(out bool yes))
            {
                return yes ? 1 : 0;
            }

            if (value.TryGetValue(out double real) && real == Math.Floor(real) && Math.Abs(real) < int.MaxValue)
            {
                return (int)real;
            }

            if (value.TryGetValue(out string? text) && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int parsed))
            {
                return parsed;
            }
        }

        throw new FormatException($"it has no whole number '{key}'");
    }

    /// <summary>An object.</summary>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static JsonObject Object(this JsonObject record, string key) => record[key] as JsonObject ?? throw new FormatException($"it has no object '{key}'");
}
