using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>Pictures and figures of the losses of two runs over each other, from their events alone.</summary>
public static class RunComparison
{
    /// <summary>
    /// Writes <c>compare-STAGE.png</c>, <c>.dark.png</c> and <c>.svg</c> for each stage of which both runs logged losses, and <c>compare.json</c> with the
    /// losses at the steps of both, their greatest relative difference |first - second| / |first| with its step, and the mean of it.
    /// </summary>
    /// <param name="folder">The folder, made where missing.</param>
    /// <param name="first">Folder of the first run.</param>
    /// <param name="second">Folder of the second run.</param>
    /// <param name="firstName">What the first run is called in the pictures.</param>
    /// <param name="secondName">What the second run is called in the pictures.</param>
    /// <returns>What compare.json holds.</returns>
    /// <exception cref="HaloException">A folder holds no run, the runs share no stage, or a file cannot be written.</exception>
    public static JsonObject Write(string folder, RunFolder first, RunFolder second, string firstName, string secondName)
    {
        IReadOnlyList<LossDifference> differences = LossDifference.Of(RunData.Read(first), RunData.Read(second));
        if (differences.Count == 0)
        {
            throw new HaloException("the runs share no stage with losses at the same steps", $"{first.Root}, {second.Root}", "compare runs of the same recipe, with the same log_every");
        }

        foreach (LossDifference difference in differences)
        {
            PictureFiles.Write(folder, DifferenceChart.Of(difference, firstName, secondName));
        }

        var json = new JsonObject
        {
            ["first"] = firstName,
            ["second"] = secondName,
            ["stages"] = new JsonArray([.. differences.Select(Json)]),
        };
        AtomicFile.WriteAllText(Path.Combine(folder, "compare.json"), json.ToJsonString(HaloJson.Indented) + "\n");
        return json;
    }

    // JSON has no number for a loss that is none: null.
    private static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static JsonNode Json(LossDifference difference) => new JsonObject
    {
        ["stage"] = difference.Stage,
        ["greatest_relative_difference"] = Number(difference.Relative[difference.Greatest]),
        ["greatest_at_step"] = difference.Steps[difference.Greatest],
        ["mean_relative_difference"] = Number(difference.Mean),
        ["steps"] = new JsonArray([.. difference.Steps.Select(Number)]),
        ["first"] = new JsonArray([.. difference.First.Select(Number)]),
        ["second"] = new JsonArray([.. difference.Second.Select(Number)]),
    };
}
