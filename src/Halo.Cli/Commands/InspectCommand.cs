using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Cli.Commands;

/// <summary><c>halo inspect MODEL|FILE</c>.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("MODEL|FILE") { Description = "Model folder or safetensors file." };
        var json = CommonOptions.Json();
        var command = new Command("inspect", "Shows what a model folder or a safetensors file holds, without loading the weights.") { path, json }
            .WithExamples("halo inspect models/hypenet-nano", "halo inspect model.safetensors --json");
        CommandRunner.Handle(command, (parse, _) =>
        {
            string target = parse.GetRequiredValue(path);
            JsonObject result = Directory.Exists(target) ? Folder(target) : File.Exists(target) ? SingleFile(target)
                : throw new HaloException("there is no such file or folder", target, "give a model folder or a safetensors file");
            if (parse.GetValue(json))
            {
                JsonOutput.Write(result);
            }
            else
            {
                Print(result);
            }

            return 0;
        });
        return command;
    }

    private static JsonObject Folder(string folder)
    {
        var configuration = ModelConfiguration.Load(folder);
        using var weights = WeightFolder.Open(folder);
        var result = new JsonObject
        {
            ["model_type"] = configuration.ModelType,
            ["layers"] = configuration.NumHiddenLayers,
            ["mixers"] = string.Join(' ', configuration.MixerTypes),
        };
        Describe(result, weights.Entries.Values);
        result["configuration"] = configuration.ToJson();
        return result;
    }

    private static JsonObject SingleFile(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var result = new JsonObject();
        Describe(result, file.Entries.Values);
        return result;
    }

    private static void Describe(JsonObject result, IEnumerable<TensorEntry> entries)
    {
        long count = 0;
        var tensors = new JsonObject();
        foreach (TensorEntry entry in entries.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            count += entry.Shape.Aggregate(1L, (product, size) => product * size);
            tensors[entry.Name] = $"{entry.Type} ({string.Join(", ", entry.Shape)})";
        }

        result["parameters"] = count;
        result["tensors"] = tensors;
    }

    private static void Print(JsonObject result)
    {
        foreach ((string key, JsonNode? value) in result)
        {
            switch (value)
            {
                case JsonObject nested when key == "tensors":
                    Console.Out.WriteLine($"{nested.Count} tensors");
                    foreach ((string name, JsonNode? description) in nested)
                    {
                        Console.Out.WriteLine($"  {name,-56} {description}");
                    }

                    break;
                case JsonObject nested:
                    Console.Out.WriteLine(key);
                    foreach ((string name, JsonNode? part) in nested)
                    {
                        Console.Out.WriteLine($"  {name,-28} {part?.ToJsonString() ?? "null"}");
                    }

                    break;
                default:
                    Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key,-12} {value}"));
                    break;
            }
        }
    }
}
