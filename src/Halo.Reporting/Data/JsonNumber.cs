using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Halo.Reporting;

/// <summary>Numbers in settings and event values.</summary>
internal static class JsonNumber
{
    /// <summary>
    /// A finite number, or null. Goes by way of the text: a node made in memory gives only the type it was made with, one read from a file gives any.
    /// Texts that are numbers count as well.
    /// </summary>
    public static double? Of(JsonNode? node)
    {
        if (node?.GetValueKind() is not (JsonValueKind.Number or JsonValueKind.String))
        {
            return null;
        }

        return double.TryParse(node.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null;
    }
}
