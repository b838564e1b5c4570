using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>Pretraining of a toy model on the CPU.</summary>
public class PretrainingTests
{
    private const string Phased = """
        {
          "name": "toy-teacher",
          "data": { "held_out": 0.1 },
          "pretrain": { "steps": 8, "row_length": 64, "global_batch": 4, "learning_rate": 1e-2, "warmup_steps": 1, "checkpoint_every": 3, "log_every": 1 },
          "phases": [
            { "until_step": 4, "sources": [ { "recall": { "min_document": 16, "max_document": 60 } } ] },
            { "sources": [ {} ] }
          ],
          "export": { "dtype": "float32" }
        }
        """;

    [Fact]
    public void StoppedAndContinuedItGivesTheSameModel()
    {
        using var toy = new Toy();
        Assert.True(Run(toy, "whole", null).Completed);
        Assert.False(Run(toy, "parts", "pretrain 5/8").Completed);
        Assert.False(Directory.Exists(Path.Combine(toy.Root, "parts", "model")));
        Assert.True(Run(toy, "parts", null).Completed);
        Assert.Equal(toy.Weights("whole"), toy.Weights("parts"));
        using CausalLm model = CausalLm.Load(Path.Combine(toy.Root, "parts", "model"), CPU, ScalarType.Float32);
        Assert.False(model.Configuration.IsHypeNet);
        RunEvent[] probes = [.. File.ReadLines(Path.Combine(toy.Root, "parts", "events.jsonl")).Select(line => System.Text.Json.JsonSerializer.Deserialize<RunEvent>(line, HaloJson.Line)!).Where(entry => entry.Kind == "probe")];
        Assert.NotEmpty(probes);
    }

    [Fact]
    public void AVocabularyLargerThanTheEmbeddingIsRefused()
    {
        using var toy = new Toy();
        HaloException error = Assert.Throws<HaloException>(() => Run(toy, "run", null, vocabulary: 100));
        Assert.Contains("vocab_size", error.Message);
        Assert.False(Directory.Exists(Path.Combine(toy.Root, "run")));
    }

    [Fact]
    public void OtherTextIsRefused()
    {
        using var toy = new Toy();
        Run(toy, "run", "pretrain 2/8");
        File.WriteAllText(Path.Combine(toy.Data, "more.txt"), "More text.");
        Assert.Contains("another text", Assert.Throws<HaloException>(() => Run(toy, "run", null)).Message);
    }

    private static PipelineResult Run(Toy toy, string run, string? stopAt, int? vocabulary = null)
    {
        JsonObject json = JsonNode.Parse(Phased)!.AsObject();
        json["model"] = Toy.Configuration.ToJson();
        if (vocabulary is { } size)
        {
            json["model"]!["vocab_size"] = size;
        }

        using var log = new StoppingLog(stopAt);
        return Pretraining.Run(RecipeReader.Parse(json, "here"), toy.Teacher, [toy.Data], Path.Combine(toy.Root, run), CPU, ScalarType.Float32, log, log.Token);
    }
}
