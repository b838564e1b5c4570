using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Evaluation;
using Halo.Inference;
using Halo.Models;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>Measures teacher, student and the untrained student of a run and writes results.jsonl and samples.json.</summary>
internal sealed class RunEvaluation(PipelineRequest request, Recipe recipe, RunFolder run, ITokenizer tokenizer, IRunLog log, CancellationToken cancellation)
{
    private const int SampleTokens = 80;
    private readonly EvaluationSpecification _settings = recipe.Evaluation;

    /// <summary>Runs everything; nothing is written before all is measured.</summary>
    public void Run()
    {
        if (_settings.Tasks.Count == 0)
        {
            return;
        }

        var records = new List<ResultRecord>();
        var samples = new JsonArray();
        records.AddRange(Measure("teacher", request.Teacher, null, samples));
        foreach (double factor in _settings.TeacherYarn)
        {
            records.AddRange(Measure("teacher", request.Teacher, factor, null));
        }

        records.AddRange(Measure("student", run.Model, null, samples));
        if (_settings.Untrained)
        {
            using CausalLm teacher = CausalLm.Load(request.Teacher, request.Device, ScalarType.Float32);
            ModelConfiguration configuration = ModelConfiguration.Load(run.Model) with { AttnLogitsScaling = null };
            using CausalLm untrained = WeightTransfer.Transfer(teacher, configuration, recipe.Student, request.ComputeType);
            records.AddRange(Measure("untrained", untrained, null, samples));
        }

        AtomicFile.WriteAllText(run.Samples, samples.ToJsonString(HaloJson.Indented) + "\n");
        var lines = new StringBuilder();
        foreach (ResultRecord record in records)
        {
            lines.Append(JsonSerializer.Serialize(record, HaloJson.Line)).Append('\n');
        }

        AtomicFile.WriteAllText(run.Results, lines.ToString());
    }

    private IReadOnlyList<ResultRecord> Measure(string name, string folder, double? yarn, JsonArray? samples)
    {
        using CausalLm model = EvaluationRunner.Load(folder, new EvaluationOptions { YarnFactor = yarn }, request.Device, request.ComputeType);
        return Measure(name, model, yarn, samples);
    }

    private IReadOnlyList<ResultRecord> Measure(string name, CausalLm model, double? yarn, JsonArray? samples)
    {
        log.Message($"measuring {name}{(yarn is null ? "" : $" under YaRN {yarn}")}");
        IReadOnlyList<ResultRecord> records = RecipeEvaluation.Measure(_settings, request.DefaultHaystack, name, model, tokenizer, yarn, log, cancellation);
        foreach (string prompt in samples is null ? [] : _settings.Prompts)
        {
            int[] ids = new Halo.Inference.Generator(model).Generate([tokenizer.Encode(prompt)], new GenerationOptions { MaxTokens = SampleTokens, Temperature = 0.8, TopP = 0.9, Seed = _settings.Seed }, cancellation)[0];
            samples!.Add(new JsonObject { ["model"] = name, ["prompt"] = prompt, ["text"] = tokenizer.Decode(ids, skipSpecialTokens: true) });
        }

        return records;
    }
}
