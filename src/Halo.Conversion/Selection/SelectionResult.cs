using System.Text.Json.Nodes;

namespace Halo.Conversion.Selection;

/// <summary>The chosen layers.</summary>
/// <param name="Method">Method used.</param>
/// <param name="Layers">Layers that stay attention, ascending.</param>
/// <param name="Scores">Score of each swept layer, higher is more important; empty for methods without scores.</param>
public sealed record SelectionResult(string Method, IReadOnlyList<int> Layers, IReadOnlyDictionary<int, double> Scores)
{
    /// <summary><c>{"method":"halo","layers":[2,3],"scores":{"0":...}}</c>.</summary>
    public JsonObject ToJson()
    {
        var scores = new JsonObject();
        foreach ((int layer, double score) in Scores.OrderBy(entry => entry.Key))
        {
            scores[$"{layer}"] = score;
        }

        return new JsonObject { ["method"] = Method, ["layers"] = new JsonArray([.. Layers.Select(layer => (JsonNode)layer)]), ["scores"] = scores };
    }
}
