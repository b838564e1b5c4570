using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Conversion.Recipes;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>What a run keeps between stages: the recipe as run, and the weights at the end of each training stage.</summary>
internal sealed class RunStore(RunFolder folder)
{
    private const string RunKey = "run";
    private const string Removed = ".removed";

    public RunFolder Folder { get; } = folder;

    /// <summary>Result of the search for a.</summary>
    public string Scale => Path.Combine(Folder.Root, "scale.json");

    /// <summary>Saves the recipe, or checks that the folder belongs to it.</summary>
    /// <exception cref="HaloException">The folder belongs to another recipe, teacher or text, or holds something else.</exception>
    public void Claim(Recipe recipe, RunIdentity identity)
    {
        var own = (JsonObject)recipe.Json.DeepClone();
        own[RunKey] = identity.ToJson();
        if (File.Exists(Folder.Recipe))
        {
            JsonObject there = JsonFile.ReadObject(Folder.Recipe, "choose another --out");
            RequireSame(own, there, identity);
            if (JsonNode.DeepEquals(own, there))
            {
                return;
            }
        }
        else if (File.Exists(Folder.Root) || (Directory.Exists(Folder.Root) && Directory.EnumerateFileSystemEntries(Folder.Root).Any()))
        {
            throw new HaloException("the folder is not empty and holds no run", Folder.Root, "choose another --out");
        }

        AtomicFile.WriteAllText(Folder.Recipe, own.ToJsonString(HaloJson.Indented) + "\n");
    }

    /// <summary>Reads the recipe of a run and how it was started.</summary>
    public static (Recipe Recipe, JsonObject Run) Open(RunFolder folder)
    {
        JsonObject json = JsonFile.ReadObject(folder.Recipe, "give the folder of a run");
        json.Remove(RunKey, out JsonNode? run);
        return (RecipeReader.Parse(json, folder.Recipe), run as JsonObject ?? throw new HaloException("the run does not say how it was started", folder.Recipe, "start it again with --out"));
    }

    /// <summary>Folder of a finished stage's weights.</summary>
    public string Final(string stage) => Path.Combine(Folder.Checkpoints, stage, "final");

    /// <summary>Whether a training stage is finished.</summary>
    public bool IsFinal(string stage) => Directory.Exists(Final(stage));

    /// <summary>Keeps the weights of a finished stage, float32, whole or not at all; the stage's checkpoints are no longer needed.</summary>
    public void SaveFinal(string stage, CausalLm model)
    {
        string target = Final(stage);
        string partial = target + ".partial";
        if (Directory.Exists(partial))
        {
            Directory.Delete(partial, true);
        }

        model.Save(partial, ScalarType.Float32);
        Directory.Move(partial, target);
        foreach (string checkpoint in Directory.EnumerateDirectories(Path.GetDirectoryName(target)!, "step-*"))
        {
            Directory.Delete(checkpoint, true);
        }
    }

    /// <summary>Removes weights and checkpoints of a training stage.</summary>
    public void ClearTraining(string stage) => Remove(Path.Combine(Folder.Checkpoints, stage));

    /// <summary>Removes a folder, so that it is never there in part under its own name.</summary>
    public static void Remove(string path)
    {
        string removed = path + Removed;
        if (Directory.Exists(removed))
        {
            Directory.Delete(removed, true);
        }

        if (Directory.Exists(path))
        {
            Directory.Move(path, removed);
            Directory.Delete(removed, true);
        }
    }

    private void RequireSame(JsonObject own, JsonObject there, RunIdentity identity)
    {
        string[] differences = [.. own.Select(entry => entry.Key).Union(there.Select(entry => entry.Key)).Where(key => key != RunKey && !JsonNode.DeepEquals(own[key], there[key]))];
        if (differences.Length > 0)
        {
            throw new HaloException($"the run folder belongs to another recipe; it differs in {string.Join(", ", differences)}", Folder.Recipe, "choose another --out, or continue it with halo convert RUN");
        }

        if (there[RunKey] is JsonObject began)
        {
            identity.RequireSame(began, Folder.Recipe);
        }
    }
}
