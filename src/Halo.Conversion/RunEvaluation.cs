using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Evaluation;
using Halo.Inference;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>
/// Measures teacher, student, the untrained student and further models of a run and writes results.jsonl and samples.json. What each model gave
/// is kept in evaluation.json until all are measured, so that an interrupted evaluation continues.
/// </summary>
internal sealed class RunEvaluation(ConversionRun run)
{
    private const int SampleTokens = 80;
    private readonly EvaluationSpecification _settings = run.Recipe.Evaluation;

    private string Kept => Path.Combine(run.Folder.Root, "evaluation.json");

    /// <summary>Runs everything.</summary>
    public void Run()
    {
        JsonObject kept = File.Exists(Kept) ? JsonFile.ReadObject(Kept, "remove the file") : [];
        if (_settings.Tasks.Count > 0)
        {
            MeasureAll(kept);
        }

        JsonObject[] parts = [.. kept.Select(entry => (JsonObject)entry.Value!)];
        AtomicFile.WriteAllText(run.Folder.Samples, new JsonArray([.. parts.SelectMany(part => part["samples"]!.AsArray()).Select(sample => sample!.DeepClone())]).ToJsonString(HaloJson.Indented) + "\n");
        AtomicFile.WriteAllText(run.Folder.Results, string.Concat(parts.SelectMany(part => part["records"]!.AsArray()).Select(record => record!.ToJsonString(HaloJson.Line) + "\n")));
        File.Delete(Kept);
    }

    /// <summary>Removes the results.</summary>
    public void Clear()
    {
        File.Delete(run.Folder.Results);
        File.Delete(run.Folder.Samples);
        File.Delete(Kept);
    }

    private void MeasureAll(JsonObject kept)
    {
        Measure(kept, "teacher", run.Request.Teacher, null);
        foreach (double factor in _settings.TeacherYarn)
        {
            Measure(kept, "teacher", run.Request.Teacher, factor);
        }

        Measure(kept, "student", run.Folder.Model, null);
        if (_settings.Untrained)
        {
            Measure(kept, "untrained", (double?)null, Untrained);
        }

        foreach ((string name, string folder) in run.Request.Beside)
        {
            Measure(kept, name, folder, null);
        }
    }

    private CausalLm Untrained()
    {
        using CausalLm teacher = CausalLm.Load(run.Request.Teacher, run.Request.Device, ScalarType.Float32);
        ModelConfiguration configuration = ModelConfiguration.Load(run.Folder.Model) with { AttnLogitsScaling = null };
        return WeightTransfer.Transfer(teacher, configuration, run.Recipe.Student, run.Request.ComputeType);
    }

    private void Measure(JsonObject kept, string name, string folder, double? yarn) =>
        Measure(kept, name, yarn, () => EvaluationRunner.Load(folder, new EvaluationOptions { YarnFactor = yarn }, run.Request.Device, run.Request.ComputeType));

    private void Measure(JsonObject kept, string name, double? yarn, Func<CausalLm> load)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{name}{(yarn is null ? "" : $" under YaRN {yarn}")}");
        if (kept.ContainsKey(key))
        {
            return;
        }

        run.Log.Message($"measuring {key}");
        using CausalLm model = load();
        IReadOnlyList<ResultRecord> records = RecipeEvaluation.Measure(_settings, run.Request.DefaultHaystack, name, model, run.Tokenizer, yarn, run.Log, run.Cancellation);
        kept[key] = new JsonObject
        {
            ["records"] = new JsonArray([.. records.Select(record => JsonSerializer.SerializeToNode(record, HaloJson.Line))]),
            ["samples"] = new JsonArray([.. (yarn is null ? _settings.Prompts : []).Select(prompt => Sample(name, model, prompt))]),
        };
        AtomicFile.WriteAllText(Kept, kept.ToJsonString(HaloJson.Line));
    }

    private JsonNode Sample(string name, CausalLm model, string prompt)
    {
        var options = new GenerationOptions { MaxTokens = SampleTokens, Temperature = 0.8, TopP = 0.9, Seed = _settings.Seed };
        int[] ids = new Halo.Inference.Generator(model).Generate([run.Tokenizer.Encode(prompt)], options, run.Cancellation)[0];
        return new JsonObject { ["model"] = name, ["prompt"] = prompt, ["text"] = run.Tokenizer.Decode(ids, skipSpecialTokens: true) };
    }
}
