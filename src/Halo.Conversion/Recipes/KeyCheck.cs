using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Conversion.Recipes;

/// <summary>Finds keys that a type does not have, in nested sections too, and names the nearest one that it has.</summary>
internal static class KeyCheck
{
    /// <summary>Checks an object against a record type.</summary>
    public static void Verify(JsonObject json, Type type, string where, IReadOnlyList<string> passed, IReadOnlyList<string> more)
    {
        Dictionary<string, PropertyInfo> known = type.GetProperties()
            .Where(property => property.CanWrite)
            .ToDictionary(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        foreach ((string key, JsonNode? value) in json)
        {
            if (passed.Contains(key))
            {
                continue;
            }

            if (!known.TryGetValue(key, out PropertyInfo? property))
            {
                string nearest = known.Keys.Concat(more).Except(passed).MinBy(candidate => Distance(candidate, key))!;
                throw new HaloException($"the key '{key}' is unknown", where, $"did you mean '{nearest}'? docs/recipes.md lists all keys");
            }

            Descend(value, property.PropertyType, $"{where}: {key}");
        }
    }

    private static void Descend(JsonNode? value, Type type, string where)
    {
        Type inner = type.IsGenericType ? type.GetGenericArguments()[0] : type;
        if (inner == typeof(JsonObject) || inner.Namespace?.StartsWith("Halo.", StringComparison.Ordinal) != true || inner.IsEnum)
        {
            return;
        }

        if (value is JsonObject section)
        {
            Verify(section, inner, where, [], []);
        }
        else if (value is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                Descend(list[i], inner, $"{where}[{i}]");
            }
        }
    }

    // Levenshtein distance.
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int substituted = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
