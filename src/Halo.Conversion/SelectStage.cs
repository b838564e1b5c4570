using System.Text.Json.Nodes;
using Halo.Conversion.Selection;
using Halo.Core;
using Halo.Models;

namespace Halo.Conversion;

/// <summary>Chooses the layers that stay attention, after a sweep over all layers where the method asks for one.</summary>
internal sealed class SelectStage(ConversionRun run) : IConversionStage
{
    public string Name => Stages.Select;

    public bool IsDone => File.Exists(run.Folder.Selection);

    private string SweepPath => Path.Combine(run.Folder.Root, "sweep.json");

    public void Clear()
    {
        File.Delete(run.Folder.Selection);
        File.Delete(SweepPath);
    }

    public void Run()
    {
        LayerScores? scores = null;
        if (SelectionMethods.NeedsScores(run.Recipe.Selection))
        {
            using CausalLm aligned = run.LoadFinal(Stages.Align);
            using var sweep = new LayerSweep(run, aligned, SweepPath);
            scores = sweep.Run(run.AllLayers);
        }

        SelectionResult result = SelectionMethods.Choose(run.Recipe.Selection, run.AllLayers.Count, scores);
        JsonObject json = result.ToJson();
        if (scores is not null)
        {
            json["recall"] = ByLayer(scores, score => score.Recall);
            json["commonsense"] = ByLayer(scores, score => score.Commonsense);
            json["kl"] = ByLayer(scores, score => score.Kl);
            json["sweep"] = scores.ToJson();
        }

        AtomicFile.WriteAllText(run.Folder.Selection, json.ToJsonString(HaloJson.Indented) + "\n");
        File.Delete(SweepPath);
        run.Log.Message($"attention stays in layers {string.Join(", ", result.Layers)} ({result.Method})");
    }

    private static JsonObject ByLayer(LayerScores scores, Func<LayerScore, double?> value)
    {
        var json = new JsonObject();
        foreach ((int layer, LayerScore score) in scores.Layers)
        {
            json[$"{layer}"] = value(score);
        }

        return json;
    }
}
