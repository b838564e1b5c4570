using System.Globalization;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Testing;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>A folder with a teacher of a few thousand weights and a little text, gone after the test.</summary>
internal sealed class Toy : IDisposable
{
    public static readonly string Repository = Path.GetFullPath(Path.Combine(Golden.Folder, "..", ".."));

    public const string Recipe = """
        {
          "name": "toy",
          "data": { "held_out": 0.2, "seed": 1, "sources": [ { "weight": 0.7 }, { "weight": 0.3, "recall": { "min_document": 16, "max_document": 60 } } ] },
          "stage1": { "steps": 6, "row_length": 32, "global_batch": 4, "micro_batch": 2, "learning_rate": 1e-2, "warmup_steps": 1, "checkpoint_every": 2, "log_every": 1 },
          "selection": { "method": "kl", "top": 1, "recall_rows": 2, "text_rows": 2, "row_length": 64 },
          "stage2": { "steps": 8, "row_length": 32, "global_batch": 4, "learning_rate": 1e-2, "warmup_steps": 1, "checkpoint_every": 3, "log_every": 1 },
          "stage3": { "steps": 3, "row_length": 64, "global_batch": 2, "learning_rate": 1e-3, "warmup_steps": 1, "log_every": 1 },
          "scale": { "row_length": 256, "rows": 2 },
          "evaluation": { "tasks": ["perplexity"], "lengths": [64], "perplexity_limit": 2, "teacher_yarn": [2], "prompts": ["The"] },
          "export": { "dtype": "float32" }
        }
        """;

    public Toy()
    {
        Teacher = Path.Combine(Root, "teacher");
        Data = Path.Combine(Root, "text");
        Directory.CreateDirectory(Data);
        var random = new Random(5);
        string[] words = ["river", "stone", "walks", "slowly", "under", "the", "old", "bridge", "and", "sings", "of", "rain"];
        for (int i = 0; i < 20; i++)
        {
            File.WriteAllText(Path.Combine(Data, string.Create(CultureInfo.InvariantCulture, $"{i:00}.txt")), string.Join(' ', Enumerable.Range(0, 150).Select(_ => words[random.Next(words.Length)])) + ".\n");
        }

        MakeTeacher(Teacher, seed: 3);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("halo-conversion-").FullName;

    public string Teacher { get; }

    public string Data { get; }

    public static ModelConfiguration Configuration { get; } = ModelConfiguration.Load(Path.Combine(Repository, "models", "qwen3-nano")) with
    {
        HiddenSize = 16, IntermediateSize = 24, NumHiddenLayers = 3, NumAttentionHeads = 2, NumKeyValueHeads = 1, HeadDim = 8,
        MixerTypes = [MixerType.Attention, MixerType.Attention, MixerType.Attention],
    };

    /// <summary>Writes a teacher with the shipped small teacher's tokenizer; weights are made larger than an untrained model's, so that layers matter.</summary>
    public static void MakeTeacher(string folder, long seed, ModelConfiguration? configuration = null)
    {
        using CausalLm model = CausalLm.Create(configuration ?? Configuration, CPU, ScalarType.Float32, seed);
        using (no_grad())
        {
            foreach (Parameter parameter in model.Parameters.Where(parameter => parameter.Shape.Count == 2))
            {
                parameter.Value.mul_(8);
            }
        }

        model.Save(folder, ScalarType.Float32);
        foreach (string name in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(Repository, "models", "qwen3-nano", name), Path.Combine(folder, name));
        }
    }

    public static Recipe Read(params string[] overrides)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, Recipe);
            return RecipeReader.Load(path, overrides);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public PipelineRequest Request(string run, params string[] overrides) => new()
    {
        Recipe = Read(overrides), Teacher = Teacher, Data = [Data], Run = Path.Combine(Root, run), Device = CPU, ComputeType = ScalarType.Float32,
        DefaultHaystack = Data,
    };

    /// <summary>Runs a conversion; with a text, asks it to stop when a line of its log holds that text.</summary>
    public static (PipelineResult Result, List<string> Lines) Run(PipelineRequest request, string? stopAt = null)
    {
        using var log = new StoppingLog(stopAt);
        return (Pipeline.Run(request, log, log.Token), log.Lines);
    }

    public byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(Root, run, "model", "model.safetensors"));

    public string Results(string run) => File.ReadAllText(new RunFolder(Path.Combine(Root, run)).Results);

    public void Dispose() => Directory.Delete(Root, true);
}
