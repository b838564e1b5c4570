using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Conversion.Selection;

/// <summary>Scores of M(i), the teacher with only layer i replaced, for each swept layer, and of the teacher itself.</summary>
/// <param name="Original">The teacher's own scores; null where unknown.</param>
/// <param name="Layers">Scores by layer.</param>
public sealed record LayerScores(LayerScore? Original, SortedDictionary<int, LayerScore> Layers)
{
    /// <summary>Number of layers: one more than the greatest swept.</summary>
    public int Count => Layers.Keys.Max() + 1;

    /// <summary>
    /// Reads a file of scores: <c>{"original": {"cs": {task: score}, "rt": {task: score}}, "layers": {"0": {...}, ...}}</c>. C is the mean of
    /// <c>cs</c>, R the mean of <c>rt</c>; <c>kl</c> may stand beside them. A run's selection.json is read too.
    /// </summary>
    /// <exception cref="HaloException">The file is missing or of another shape.</exception>
    public static LayerScores Load(string path)
    {
        JsonObject json = JsonFile.ReadObject(path, "give a run folder or a file of per-layer scores");
        JsonObject layers = json["layers"] as JsonObject ?? json["sweep"]?["layers"] as JsonObject
            ?? throw new HaloException("the file has no object 'layers'", path, "give a file of per-layer scores");
        var result = new SortedDictionary<int, LayerScore>();
        foreach ((string key, JsonNode? value) in layers)
        {
            if (!int.TryParse(key, out int layer) || layer < 0 || value is not JsonObject scores)
            {
                throw new HaloException($"'{key}' is no layer with scores", $"{path}: layers", "mend the file");
            }

            result[layer] = Read(scores, $"{path}: layers.{key}");
        }

        var original = (json["original"] ?? json["sweep"]?["original"]) as JsonObject;
        return result.Count > 0
            ? new LayerScores(original is null ? null : Read(original, $"{path}: original"), result)
            : throw new HaloException("the file has no layers", path, "give a file of per-layer scores");
    }

    /// <summary>The shape that <see cref="Load"/> reads.</summary>
    public JsonObject ToJson()
    {
        var layers = new JsonObject();
        foreach ((int layer, LayerScore score) in Layers)
        {
            layers[$"{layer}"] = Write(score);
        }

        return new JsonObject { ["original"] = Original is null ? null : Write(Original), ["layers"] = layers };
    }

    private static JsonObject Write(LayerScore score) => new()
    {
        ["cs"] = score.Commonsense is { } commonsense ? new JsonObject { ["mean"] = commonsense } : null,
        ["rt"] = score.Recall is { } recall ? new JsonObject { ["mean"] = recall } : null,
        ["kl"] = score.Kl,
    };

    private static LayerScore Read(JsonObject scores, string where) => new(Mean(scores["rt"], $"{where}.rt"), Mean(scores["cs"], $"{where}.cs"), Number(scores["kl"], $"{where}.kl"));

    private static double? Mean(JsonNode? node, string where) => node is JsonObject { Count: > 0 } tasks ? tasks.Average(task => Number(task.Value, $"{where}.{task.Key}")) : Number(node, where);

    private static double? Number(JsonNode? node, string where) => node switch
    {
        null => null,
        JsonValue value when value.TryGetValue(out double number) && double.IsFinite(number) => number,
        _ => throw new HaloException("the score is no number", where, "mend the file"),
    };
}
