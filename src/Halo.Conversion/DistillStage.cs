using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Training;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>Stage 2: the student, the teacher's attention layers and the aligned RNN layers, learns the teacher's distribution.</summary>
internal sealed class DistillStage(ConversionRun run) : IConversionStage
{
    private const long Salt = 2;

    public string Name => Stages.Distill;

    public bool IsDone => run.Store.IsFinal(Name);

    public void Clear() => run.Store.ClearTraining(Name);

    public void Run()
    {
        using CausalLm student = NewStudent(ChosenLayers());
        if (run.Recipe.Stage2 is { } stage)
        {
            run.Train(Name, stage, new DistillationObjective(student, run.Teacher, stage.Training, stage.CrossEntropyWeight), Salt, student);
        }
        else
        {
            run.Store.SaveFinal(Name, student);
        }
    }

    private CausalLm NewStudent(IReadOnlyList<int> attentionLayers)
    {
        ModelConfiguration configuration = WeightTransfer.Configuration(run.TeacherConfiguration, run.Recipe.Student, attentionLayers);
        CausalLm student = WeightTransfer.Transfer(run.Teacher, configuration, run.Recipe.Student, run.Request.ComputeType);
        if (run.Recipe.Stage1 is null)
        {
            return student;
        }

        using IDisposable constant = no_grad();
        using CausalLm aligned = run.LoadFinal(Stages.Align);
        Dictionary<string, Parameter> source = aligned.Parameters.ToDictionary(parameter => parameter.Name);
        foreach (Parameter target in run.AllLayers.Except(attentionLayers).SelectMany(layer => student.Layers[layer].Mixer.Parameters))
        {
            target.Value.copy_(source[target.Name].Value);
        }

        return student;
    }

    private int[] ChosenLayers()
    {
        JsonObject json = JsonFile.ReadObject(run.Folder.Selection, "run the stage select first");
        try
        {
            if (json["layers"].Deserialize<int[]>() is { Length: > 0 } layers && layers.All(run.AllLayers.Contains))
            {
                return layers;
            }
        }
        catch (JsonException)
        {
            // Told below.
        }

        throw new HaloException($"'layers' is no list of layers from 0 to {run.AllLayers.Count - 1}", run.Folder.Selection, "run again with --from select");
    }
}
