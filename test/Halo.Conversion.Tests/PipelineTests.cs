using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>Whole conversions of a toy teacher on the CPU.</summary>
public class PipelineTests
{
    [Fact]
    public void AConversionLeavesAllThatItPromises()
    {
        using var toy = new Toy();
        (PipelineResult result, _) = Toy.Run(toy.Request("run") with { Beside = new Dictionary<string, string> { ["again"] = toy.Teacher } });
        Assert.Equal(new PipelineResult(true, "evaluate"), result);
        var run = new RunFolder(Path.Combine(toy.Root, "run"));
        using (CausalLm model = CausalLm.Load(run.Model, CPU, ScalarType.Float32))
        {
            Assert.True(model.Configuration.IsHypeNet);
            Assert.Single(model.Configuration.MixerTypes, MixerType.Attention);
        }

        Assert.True(File.Exists(Path.Combine(run.Model, "tokenizer.json")));
        RunEvent[] events = [.. File.ReadLines(run.Events).Select(line => System.Text.Json.JsonSerializer.Deserialize<RunEvent>(line, HaloJson.Line)!)];
        foreach (string stage in new[] { "stage1", "stage2" })
        {
            double[] losses = [.. events.Where(entry => entry.Stage == stage && entry.Kind == "step").Select(entry => entry.Values["loss"]!.GetValue<double>())];
            Assert.True(losses[^1] < losses[0], $"{stage}: {string.Join(", ", losses)}");
        }

        string[] measured = [.. File.ReadLines(run.Results).Select(line => JsonNode.Parse(line)!["model"]!.ToString()).Distinct()];
        Assert.Equal(["teacher", "student", "untrained", "again"], measured);
        Assert.Equal(4, JsonNode.Parse(File.ReadAllText(run.Samples))!.AsArray().Count);
        Assert.Equal(3, JsonNode.Parse(File.ReadAllText(run.Selection))!["sweep"]!["layers"]!.AsObject().Count);
        Assert.Equal(["cache", "checkpoints", "events.jsonl", "model", "recipe.json", "results.jsonl", "samples.json", "scale.json", "selection.json", "tensorboard"],
            Directory.EnumerateFileSystemEntries(run.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal)!);
    }

    [Theory]
    [InlineData("stage1 3/6")]
    [InlineData("select 2/3")]
    [InlineData("stage2 4/8")]
    [InlineData("stage3 1/3")]
    [InlineData("a = 20")]
    [InlineData("measuring student")]
    public void StoppedAnywhereAndContinuedItGivesTheSame(string stopAt)
    {
        using var toy = new Toy();
        Toy.Run(toy.Request("whole"));
        (PipelineResult stopped, _) = Toy.Run(toy.Request("parts"), stopAt);
        Assert.False(stopped.Completed);
        Assert.False(File.Exists(Path.Combine(toy.Root, "parts", "results.jsonl")));
        (PipelineResult continued, List<string> lines) = Toy.Run(toy.Request("parts"));
        Assert.True(continued.Completed);
        Assert.Equal(stopAt == "measuring student", !lines.Contains("measuring teacher"));
        Assert.Equal(toy.Weights("whole"), toy.Weights("parts"));
        Assert.Equal(toy.Results("whole"), toy.Results("parts"));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen2")]
    public void OtherTeachersGoThroughAllStages(string type)
    {
        using var toy = new Toy();
        string teacher = Path.Combine(toy.Root, type);
        Toy.MakeTeacher(teacher, 6, Toy.Configuration with { ModelType = type, AttnUseQkNorm = false, AttentionBias = type == "qwen2", TieWordEmbeddings = type == "llama" });
        (PipelineResult result, _) = Toy.Run(toy.Request("run") with { Teacher = teacher });
        Assert.True(result.Completed);
        using CausalLm model = CausalLm.Load(Path.Combine(toy.Root, "run", "model"), CPU, ScalarType.Float32);
        Assert.True(model.Configuration.IsHypeNet);
        Assert.False(model.Configuration.AttnUseQkNorm);
        Assert.Equal(type == "qwen2", model.Configuration.AttentionBias);
    }

    [Fact]
    public void AFinishedRunDoesNothingAgain()
    {
        using var toy = new Toy();
        Toy.Run(toy.Request("run"));
        (PipelineResult result, List<string> lines) = Toy.Run(toy.Request("run"));
        Assert.True(result.Completed);
        Assert.Empty(lines);
    }

    [Fact]
    public void AStageThatCannotFitIsRefusedBeforeTheRunTakesItsFolder()
    {
        using var toy = new Toy();
        PipelineRequest large = toy.Request("run", "stage3.row_length=2000000000");
        HaloException error = Assert.Throws<HaloException>(() => Toy.Run(large));
        Assert.Equal("stage3", error.Where);
        Assert.Contains("--ignore-memory", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(new RunFolder(large.Run).Recipe));
        Assert.True(Toy.Run(large with { Until = "stage1" }).Result.Completed);
        Assert.Equal("stage3", Assert.Throws<HaloException>(() => Toy.Run(large)).Where);
    }

    [Fact]
    public void FromDoesAStageAndAllAfterItAnew()
    {
        using var toy = new Toy();
        PipelineRequest request = toy.Request("run");
        Toy.Run(request);
        byte[] before = toy.Weights("run");

        // Another choice of layers has to reach the weights of stage 2 and all that follows.
        var run = new RunFolder(request.Run);
        JsonNode selection = JsonNode.Parse(File.ReadAllText(run.Selection))!;
        int chosen = selection["layers"]![0]!.GetValue<int>();
        selection["layers"] = new JsonArray((chosen + 1) % 3);
        File.WriteAllText(run.Selection, selection.ToJsonString());
        (_, List<string> lines) = Toy.Run(request with { From = "stage2" });
        Assert.DoesNotContain(lines, line => line.StartsWith("stage1", StringComparison.Ordinal) || line.StartsWith("select", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("stage3 3/3", StringComparison.Ordinal));
        Assert.Equal(MixerType.Attention, ModelConfiguration.Load(run.Model).MixerTypes[(chosen + 1) % 3]);
        Assert.NotEqual(before, toy.Weights("run"));

        // The same stage done anew from the same beginning gives the same.
        Toy.Run(request with { From = "select" });
        Assert.Equal(before, toy.Weights("run"));
    }

    [Fact]
    public void UntilStopsAndTheRestFollowsLater()
    {
        using var toy = new Toy();
        PipelineRequest request = toy.Request("run");
        (PipelineResult result, _) = Toy.Run(request with { Until = "stage1" });
        Assert.Equal(new PipelineResult(true, "stage1"), result);
        Assert.False(Directory.Exists(Path.Combine(request.Run, "model")));
        HaloException early = Assert.Throws<HaloException>(() => Toy.Run(request with { From = "stage3" }));
        Assert.Contains("select has not been finished", early.Message);
        Assert.True(Toy.Run(request).Result.Completed);
    }

    [Fact]
    public void ARunRefusesWhatItDidNotBeginWith()
    {
        using var toy = new Toy();
        PipelineRequest request = toy.Request("run");
        Toy.Run(request with { Until = "stage1" });
        Assert.Contains("stage2", Assert.Throws<HaloException>(() => Toy.Run(toy.Request("run", "stage2.steps=9"))).Message);

        string other = Path.Combine(toy.Root, "other");
        Toy.MakeTeacher(other, seed: 4);
        Assert.Contains("another teacher", Assert.Throws<HaloException>(() => Toy.Run(request with { Teacher = other })).Message);

        string moved = Path.Combine(toy.Root, "moved");
        Directory.Move(toy.Data, moved);
        Assert.True(Toy.Run(request with { Data = [moved], Until = "select" }).Result.Completed);
        File.AppendAllText(Path.Combine(moved, "07.txt"), "More.");
        Assert.Contains("another text", Assert.Throws<HaloException>(() => Toy.Run(request with { Data = [moved] })).Message);
    }

    [Fact]
    public void AFolderThatIsNoRunIsLeftAlone()
    {
        using var toy = new Toy();
        string folder = Path.Combine(toy.Root, "run");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "thesis.txt"), "x");
        Assert.Contains("not empty", Assert.Throws<HaloException>(() => Toy.Run(toy.Request("run"))).Message);
        Assert.Equal(["thesis.txt"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName)!);
    }

    [Theory]
    [InlineData("selection.top=3")]
    [InlineData("stage1=null")]
    [InlineData("selection={\"method\":\"list\",\"layers\":[0,1,2]}")]
    [InlineData("selection={\"method\":\"list\",\"layers\":[7]}")]
    public void WhatCannotWorkIsRefusedBeforeAnythingIsWritten(string change)
    {
        using var toy = new Toy();
        PipelineRequest request = toy.Request("run", change);
        Assert.Throws<HaloException>(() => Toy.Run(request));
        Assert.False(Directory.Exists(request.Run));
    }

    [Fact]
    public void ATruncatedTeacherIsRefusedBeforeAnythingIsWritten()
    {
        using var toy = new Toy();
        PipelineRequest request = toy.Request("run");
        using (FileStream weights = File.OpenWrite(Path.Combine(toy.Teacher, "model.safetensors")))
        {
            weights.SetLength(weights.Length / 2);
        }

        Assert.Contains("truncated", Assert.Throws<HaloException>(() => Toy.Run(request)).Message);
        Assert.False(Directory.Exists(request.Run));
    }

    [Fact]
    public void StagesMayBeLeftOut()
    {
        using var toy = new Toy();
        (PipelineResult result, _) = Toy.Run(toy.Request("run", "stage1=null", "stage2=null", "stage3=null", "selection.method=even", "scale.row_length=0", "evaluation.tasks=[]"));
        Assert.True(result.Completed);
        Assert.Empty(toy.Results("run"));
        Assert.Null(ModelConfiguration.Load(Path.Combine(toy.Root, "run", "model")).AttnLogitsScaling);
    }
}
