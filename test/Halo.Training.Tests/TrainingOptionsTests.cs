using System.Text.Json;
using Halo.Core;

namespace Halo.Training.Tests;

public sealed class TrainingOptionsTests
{
    [Theory]
    [InlineData("""{"steps": -1}""", "steps")]
    [InlineData("""{"row_length": 0}""", "row_length")]
    [InlineData("""{"global_batch": 0}""", "global_batch")]
    [InlineData("""{"micro_batch": -2}""", "micro_batch")]
    [InlineData("""{"learning_rate": 0}""", "learning_rate")]
    [InlineData("""{"learning_rate": "NaN"}""", "learning_rate")]
    [InlineData("""{"final_learning_rate": -1e-5}""", "final_learning_rate")]
    [InlineData("""{"learning_rate": 1e-5, "final_learning_rate": 1e-4}""", "final_learning_rate")]
    [InlineData("""{"steps": 10, "warmup_steps": 11}""", "warmup_steps")]
    [InlineData("""{"schedule": "warmup-stable-decay"}""", "decay_steps")]
    [InlineData("""{"schedule": "warmup-stable-decay", "steps": 100, "warmup_steps": 50, "decay_steps": 51}""", "decay_steps")]
    [InlineData("""{"weight_decay": -0.1}""", "weight_decay")]
    [InlineData("""{"beta1": 1}""", "beta1")]
    [InlineData("""{"beta2": -0.1}""", "beta2")]
    [InlineData("""{"epsilon": 0}""", "epsilon")]
    [InlineData("""{"clip_norm": "Infinity"}""", "clip_norm")]
    [InlineData("""{"loss_chunk": 0}""", "loss_chunk")]
    [InlineData("""{"checkpoint_every": -1}""", "checkpoint_every")]
    [InlineData("""{"keep_checkpoints": 0}""", "keep_checkpoints")]
    [InlineData("""{"log_every": 0}""", "log_every")]
    public void ImpossibleValuesAreRefusedByKey(string json, string key)
    {
        TrainingOptions options = JsonSerializer.Deserialize<TrainingOptions>(json, HaloJson.Indented)!;
        var error = Assert.Throws<HaloException>(() => options.Validate("stage2"));
        Assert.Equal("stage2." + key, error.Where);
    }

    [Fact]
    public void DefaultsAreThePapers()
    {
        var options = new TrainingOptions();
        options.Validate("stage2");
        Assert.Equal((0.9, 0.95, 1e-8, 0.0, 1.0, 50L), (options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay, options.ClipNorm, options.WarmupSteps));
    }

    [Fact]
    public void ScheduleIsReadByItsName()
    {
        TrainingOptions options = JsonSerializer.Deserialize<TrainingOptions>("""{"schedule": "warmup-stable-decay", "decay_steps": 100}""", HaloJson.Indented)!;
        options.Validate("pretrain");
        Assert.Equal(ScheduleKind.WarmupStableDecay, options.Schedule);
        Assert.Equal(options, JsonSerializer.Deserialize<TrainingOptions>(JsonSerializer.Serialize(options, HaloJson.Line), HaloJson.Line));
    }
}
