using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;

namespace Halo.Conversion;

/// <summary>Writes the finished student as a Hugging Face folder.</summary>
internal sealed class ExportStage(ConversionRun run) : IConversionStage
{
    public string Name => Stages.Export;

    public bool IsDone => File.Exists(Path.Combine(run.Folder.Model, "config.json"));

    public void Clear() => RunStore.Remove(run.Folder.Model);

    public void Run()
    {
        using CausalLm student = run.LoadFinal(Stages.Extend);
        JsonObject scale = JsonFile.ReadObject(run.Store.Scale, "run again with --from scale");
        ModelExport.Write(student, LogitsScaling.Parse(scale["attn_logits_scaling"], run.Store.Scale), run.Request.Teacher, run.Folder.Model, run.Recipe.Export);
        run.Log.Message($"exported to {run.Folder.Model}");
    }
}
