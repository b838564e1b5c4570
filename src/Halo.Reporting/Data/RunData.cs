using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>All that a run folder holds for its report; parts that are missing are empty or null.</summary>
/// <param name="Recipe">Text of recipe.json.</param>
/// <param name="Events">Training events in file order.</param>
/// <param name="Results">Measured figures in file order.</param>
/// <param name="Selection">The chosen layers.</param>
/// <param name="Samples">Generated texts.</param>
internal sealed record RunData(
    string? Recipe,
    IReadOnlyList<RunEvent> Events,
    IReadOnlyList<ResultRecord> Results,
    LayerSelection? Selection,
    IReadOnlyList<TextSample> Samples)
{
    /// <summary>Reads the folder.</summary>
    /// <exception cref="HaloException">The folder is missing, holds nothing of a run, or a file in it is broken.</exception>
    public static RunData Read(RunFolder run)
    {
        if (!Directory.Exists(run.Root))
        {
            throw new HaloException("the run folder is missing", run.Root, "name the folder that `halo convert` or `halo pretrain` wrote");
        }

        string[] parts = [run.Recipe, run.Events, run.Results, run.Selection, run.Samples];
        if (!parts.Any(File.Exists))
        {
            throw new HaloException("the folder holds no run", run.Root, "name a folder with a recipe.json, events.jsonl or results.jsonl");
        }

        return new RunData(
            ReadRecipe(run.Recipe),
            JsonLines.Read<RunEvent>(run.Events, entry => entry.Stage is null || entry.Kind is null ? "an event needs a stage and a kind" : null),
            JsonLines.Read<ResultRecord>(run.Results, Check),
            LayerSelection.Read(run.Selection),
            ReadSamples(run.Samples));
    }

    private static string? Check(ResultRecord record) =>
        record.Model is null || record.Task is null || record.Metric is null ? "a result needs a model, a task and a metric" : null;

    private static string? ReadRecipe(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        // A recipe that is no JSON would be shown as if the run had used it.
        JsonObject recipe = JsonFile.ReadObject(path, "restore the recipe of this run");
        return recipe.ToJsonString(HaloJson.Indented);
    }

    private static IReadOnlyList<TextSample> ReadSamples(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            List<TextSample?> samples = JsonSerializer.Deserialize<List<TextSample?>>(File.ReadAllBytes(path), HaloJson.Line) ?? [];
            return [.. samples.Where(sample => sample is { Model: not null, Prompt: not null, Text: not null }).Select(sample => sample!)];
        }
        catch (JsonException error)
        {
            throw new HaloException($"the text samples are malformed ({error.Message.TrimEnd('.')})", path, "generate the samples again, or remove the file", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check its permissions", error);
        }
    }
}
