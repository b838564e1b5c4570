using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text.Data;
using Halo.Training;

namespace Halo.Conversion.Recipes;

/// <summary>Reads recipes: JSON with comments, overrides by path, unknown keys refused with the nearest known one.</summary>
public static class RecipeReader
{
    private const string OwnKey = "json";
    private static readonly string[] StageKeys = ["sources", "cross_entropy_weight"];

    /// <summary>Reads a recipe file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overrides">Overrides such as <c>stage2.steps=100</c>.</param>
    /// <exception cref="HaloException">The file is missing or broken, a key is unknown, a value impossible.</exception>
    public static Recipe Load(string path, IEnumerable<string> overrides)
    {
        JsonObject json = JsonFile.ReadObject(path, "give a recipe file or the name of one in recipes/");
        foreach (string text in overrides)
        {
            Override(json, text);
        }

        return Parse(json, path);
    }

    /// <summary>Reads a recipe's JSON.</summary>
    /// <exception cref="HaloException">A key is unknown or a value impossible.</exception>
    public static Recipe Parse(JsonObject json, string where)
    {
        var known = (JsonObject)json.DeepClone();
        StageSpecification? Stage(string name)
        {
            known.Remove(name, out JsonNode? node);
            return node is null ? null : ParseStage(node as JsonObject ?? throw new HaloException($"{name} is no object", where, "mend the recipe"), $"{where}: {name}");
        }

        StageSpecification? stage1 = Stage("stage1");
        StageSpecification? stage2 = Stage("stage2");
        StageSpecification? stage3 = Stage("stage3");
        StageSpecification? pretrain = Stage("pretrain");
        known.Remove("model", out JsonNode? model);
        if (model is not null and not JsonObject)
        {
            throw new HaloException("model is no object", $"{where}: model", "give the config.json of the model to make");
        }

        if (!known.TryAdd(OwnKey, new JsonObject()))
        {
            throw new HaloException($"the key '{OwnKey}' is unknown", where, "remove it; docs/recipes.md lists all keys");
        }

        Recipe recipe = Section<Recipe>(known, where, [OwnKey, "stage1", "stage2", "stage3", "pretrain", "model"]) with
        {
            Stage1 = stage1, Stage2 = stage2, Stage3 = stage3, Pretrain = pretrain, Model = model as JsonObject, Json = json,
        };
        recipe.Validate();
        return recipe;
    }

    private static StageSpecification ParseStage(JsonObject stage, string where)
    {
        var own = new JsonObject();
        foreach (string key in StageKeys)
        {
            stage.Remove(key, out JsonNode? node);
            if (node is not null)
            {
                own[key] = node.DeepClone();
            }
        }

        var training = Section<TrainingOptions>(stage, where, [], StageKeys);
        StageExtras extras = Section<StageExtras>(own, where, []);
        return new StageSpecification(training, extras.Sources, extras.CrossEntropyWeight);
    }

    private static T Section<T>(JsonObject json, string where, IReadOnlyList<string> passed, IReadOnlyList<string>? more = null)
    {
        KeyCheck.Verify(json, typeof(T), where, passed, more ?? []);
        try
        {
            return json.Deserialize<T>(HaloJson.Indented)!;
        }
        catch (JsonException error)
        {
            throw new HaloException($"a value does not fit its key ({error.Message.Split(" Path:")[0].TrimEnd('.')})", $"{where}{error.Path?.TrimStart('$')}", "mend the recipe; docs/recipes.md lists keys and values", error);
        }
    }

    private static void Override(JsonObject json, string text)
    {
        string[] sides = text.Split('=', 2);
        if (sides.Length != 2 || sides[0].Length == 0)
        {
            throw new HaloException($"--set {text} is no override", "--set", "write key.key=value, for example stage2.steps=100");
        }

        string[] keys = sides[0].Split('.');
        JsonObject target = json;
        foreach (string key in keys[..^1])
        {
            target = target[key] switch
            {
                JsonObject inner => inner,
                null => (JsonObject)(target[key] = new JsonObject()),
                _ => throw new HaloException($"--set {text}: '{key}' is no section", "--set", "name a section of the recipe"),
            };
        }

        JsonNode? value;
        try
        {
            value = JsonNode.Parse(sides[1]);
        }
        catch (JsonException)
        {
            value = JsonValue.Create(sides[1]);
        }

        target[keys[^1]] = value;
    }
}
