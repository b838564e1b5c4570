using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;

namespace Halo.Conversion;

/// <summary>Search for a of the attention logits' scaling; its result is scale.json.</summary>
internal sealed class ScaleStage(ConversionRun run) : IConversionStage
{
    public string Name => Stages.Scale;

    public bool IsDone => File.Exists(run.Store.Scale);

    public void Clear() => File.Delete(run.Store.Scale);

    public void Run()
    {
        run.ReleaseTeacher();
        JsonObject json = new() { ["attn_logits_scaling"] = null };
        if (run.Recipe.Scale.RowLength > 0)
        {
            using CausalLm student = run.LoadFinal(Stages.Extend);
            ScalingResult found = ScalingSearch.Run(student, run.Recipe.Scale, run.Data, run.Log, run.Cancellation);
            json = found.ToJson();
            run.Log.Message(found.ToString());
        }

        AtomicFile.WriteAllText(run.Store.Scale, json.ToJsonString(HaloJson.Indented) + "\n");
    }
}
