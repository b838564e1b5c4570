using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>What selection.json holds: the layers kept as attention and the scores that chose them.</summary>
/// <param name="Method">Method, for example <c>halo</c>.</param>
/// <param name="Layers">Chosen layers.</param>
/// <param name="Scores">Importance s_i by layer; empty for methods that score nothing.</param>
/// <param name="Recall">R(i) by layer, where measured.</param>
/// <param name="Commonsense">C(i) by layer, where measured.</param>
internal sealed record LayerSelection(
    string Method,
    IReadOnlySet<int> Layers,
    IReadOnlyDictionary<int, double> Scores,
    IReadOnlyDictionary<int, double> Recall,
    IReadOnlyDictionary<int, double> Commonsense)
{
    /// <summary>Reads the file; null where there is none.</summary>
    public static LayerSelection? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        JsonObject json = JsonFile.ReadObject(path, "run the selection again");
        try
        {
            return new LayerSelection(
                json["method"]?.GetValue<string>() ?? "unknown",
                (json["layers"] as JsonArray ?? []).Select(layer => layer!.GetValue<int>()).ToHashSet(),
                ByLayer(json["scores"]),
                ByLayer(json["recall"]),
                ByLayer(json["commonsense"]));
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException or NullReferenceException or OverflowException)
        {
            throw new HaloException($"the layer selection is malformed ({error.Message.TrimEnd('.')})", path, "run the selection again", error);
        }
    }

    private static SortedDictionary<int, double> ByLayer(JsonNode? node)
    {
        var result = new SortedDictionary<int, double>();
        foreach ((string key, JsonNode? value) in node as JsonObject ?? [])
        {
            // Methods may add named entries such as "original"; only the numbered layers are drawn.
            if (int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && JsonNumber.Of(value) is { } score)
            {
                result[layer] = score;
            }
        }

        return result;
    }
}
