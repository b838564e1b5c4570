using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using Halo.Text.Data;
using Halo.Training;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>
/// HALO from teacher to measured student: alignment, selection, distillation, long-context fine-tuning, choice of a, export, evaluation. Each stage
/// leaves its result in the run folder, so that running again continues where it stopped.
/// </summary>
public sealed class Pipeline : IDisposable
{
    private readonly PipelineRequest _request;
    private readonly Recipe _recipe;
    private readonly RunStore _store;
    private readonly CancellationToken _cancellation;
    private readonly RunLog _log;
    private readonly CausalLm _teacher;
    private readonly ITokenizer _tokenizer;
    private readonly DataSet _data;

    private Pipeline(PipelineRequest request, IRunLog display, CancellationToken cancellation)
    {
        _request = request;
        _recipe = request.Recipe;
        _cancellation = cancellation;
        _store = new RunStore(new RunFolder(request.Run));
        _tokenizer = HuggingFaceTokenizer.Load(request.Teacher);
        ModelConfiguration configuration = ModelConfiguration.Load(request.Teacher);
        CheckTeacher(configuration);
        _store.Claim(_recipe, new JsonObject
        {
            ["teacher"] = Path.GetFullPath(request.Teacher),
            ["data"] = new JsonArray([.. request.Data.Select(path => (JsonNode)Path.GetFullPath(path))]),
        });
        _log = new RunLog(_store.Folder, display);
        _teacher = CausalLm.Load(request.Teacher, request.Device, request.ComputeType);
        _data = new DataSet(_recipe.Data, request.Data, _tokenizer, Path.Combine(_store.Folder.Root, "cache"), _log, cancellation);
    }

    private IReadOnlyList<int> AllLayers => [.. Enumerable.Range(0, _teacher.Configuration.NumHiddenLayers)];

    /// <summary>Runs a conversion, or continues it.</summary>
    /// <param name="request">What to run.</param>
    /// <param name="display">Where progress is shown.</param>
    /// <param name="cancellation">Asks to stop: a checkpoint is written first.</param>
    /// <exception cref="HaloException">Something in recipe, teacher, data or run folder is wrong.</exception>
    public static PipelineResult Run(PipelineRequest request, IRunLog display, CancellationToken cancellation)
    {
        int from = request.From is { } first ? Stages.IndexOf(first, "--from") : 0;
        int until = request.Until is { } last ? Stages.IndexOf(last, "--until") : Stages.All.Count - 1;
        if (from > until)
        {
            throw new HaloException($"--from {request.From} comes after --until {request.Until}", "--from", "turn them round");
        }

        using var pipeline = new Pipeline(request, display, cancellation);
        string stage = Stages.All[from];
        try
        {
            for (int index = from; index <= until; index++)
            {
                stage = Stages.All[index];
                cancellation.ThrowIfCancellationRequested();
                pipeline.RunStage(stage, forced: request.From is not null);
            }

            return new PipelineResult(true, stage);
        }
        catch (OperationCanceledException)
        {
            display.Message($"stopped in {stage}; halo convert {request.Run} continues");
            return new PipelineResult(false, stage);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _data.Dispose();
        _teacher.Dispose();
        _log.Dispose();
    }

    private void CheckTeacher(ModelConfiguration configuration)
    {
        if (configuration.IsHypeNet)
        {
            throw new HaloException("the teacher is a HypeNet already", _request.Teacher, "give a Qwen3 model");
        }

        if (_tokenizer.VocabularySize > configuration.VocabSize)
        {
            throw new HaloException($"the tokenizer has {_tokenizer.VocabularySize:N0} ids, the model an embedding of {configuration.VocabSize:N0}", _request.Teacher, "give the tokenizer that belongs to the model");
        }

        int top = _recipe.Selection.Kept(configuration.NumHiddenLayers);
        if (top >= configuration.NumHiddenLayers && _recipe.Selection.Method != "list")
        {
            throw new HaloException($"{top} of {configuration.NumHiddenLayers} layers are to stay attention: nothing is left to convert", "selection.top", "ask for fewer");
        }
    }

    private void RunStage(string stage, bool forced)
    {
        switch (stage)
        {
            case Stages.Align when !_store.IsFinal(stage):
                Align();
                break;
            case Stages.Select when forced || !File.Exists(_store.Folder.Selection):
                Select();
                break;
            case Stages.Distill when !_store.IsFinal(stage):
                Distill();
                break;
            case Stages.Extend when !_store.IsFinal(stage):
                Extend();
                break;
            case Stages.Scale when forced || !File.Exists(ScalePath):
                Scale();
                break;
            case Stages.Export when forced || !File.Exists(Path.Combine(_store.Folder.Model, "config.json")):
                Export();
                break;
            case Stages.Evaluate when forced || !File.Exists(_store.Folder.Results):
                new RunEvaluation(_request, _recipe, _store.Folder, _tokenizer, _log, _cancellation).Run();
                break;
        }
    }

    private string ScalePath => Path.Combine(_store.Folder.Root, "scale.json");

    private void Align()
    {
        if (_recipe.Stage1 is not { } stage)
        {
            return;
        }

        // Without a sweep only the layers that are to be converted need stage 1.
        IReadOnlyList<int> layers = AllLayers;
        if (!SelectionMethods.NeedsScores(_recipe.Selection))
        {
            IReadOnlyList<int> kept = SelectionMethods.Choose(_recipe.Selection, layers.Count, null).Layers;
            layers = [.. layers.Except(kept)];
        }

        using CausalLm aligned = WeightTransfer.Transfer(_teacher, WeightTransfer.Configuration(_teacher.Configuration, _recipe.Student, []), _recipe.Student, _request.ComputeType);
        Train(Stages.Align, stage, new AlignmentObjective(_teacher, aligned, layers, stage.Training), salt: 1, aligned);
    }

    private void Select()
    {
        LayerScores? scores = null;
        if (SelectionMethods.NeedsScores(_recipe.Selection))
        {
            if (!_store.IsFinal(Stages.Align))
            {
                throw new HaloException($"method '{_recipe.Selection.Method}' compares layers of stage 1, which did not run", "selection.method", "give the recipe a stage1, or choose even or list");
            }

            using CausalLm aligned = CausalLm.Load(_store.Final(Stages.Align), _request.Device, ScalarType.Float32);
            aligned.ComputeType = _request.ComputeType;
            scores = new LayerSweep(_teacher, aligned, _recipe, _data, _log, _cancellation).Run(AllLayers);
        }

        SelectionResult result = SelectionMethods.Choose(_recipe.Selection, AllLayers.Count, scores);
        JsonObject json = result.ToJson();
        if (scores is not null)
        {
            json["recall"] = ByLayer(scores, score => score.Recall);
            json["commonsense"] = ByLayer(scores, score => score.Commonsense);
            json["kl"] = ByLayer(scores, score => score.Kl);
            json["sweep"] = scores.ToJson();
        }

        AtomicFile.WriteAllText(_store.Folder.Selection, json.ToJsonString(HaloJson.Indented) + "\n");
        _log.Message($"attention stays in layers {string.Join(", ", result.Layers)} ({result.Method})");
    }

    private void Distill()
    {
        SelectionResult chosen = Chosen();
        using CausalLm student = NewStudent(chosen.Layers);
        if (_recipe.Stage2 is not { } stage)
        {
            _store.SaveFinal(Stages.Distill, student);
            return;
        }

        Train(Stages.Distill, stage, new DistillationObjective(student, _teacher, stage.Training, stage.CrossEntropyWeight), salt: 2, student);
    }

    private void Extend()
    {
        using CausalLm student = LoadFinal(Stages.Distill);
        if (_recipe.Stage3 is not { } stage)
        {
            _store.SaveFinal(Stages.Extend, student);
            return;
        }

        Train(Stages.Extend, stage, new NextTokenObjective(student, stage.Training), salt: 3, student);
    }

    private void Scale()
    {
        JsonObject json = new() { ["attn_logits_scaling"] = null };
        if (_recipe.Scale.RowLength > 0)
        {
            using CausalLm student = LoadFinal(Stages.Extend);
            ScalingResult found = ScalingSearch.Run(student, _recipe.Scale, _data, _log, _cancellation);
            var tried = new JsonObject();
            foreach ((double a, double loss) in found.Tried)
            {
                tried[a.ToString("R", System.Globalization.CultureInfo.InvariantCulture)] = loss;
            }

            json = new JsonObject { ["attn_logits_scaling"] = LogitsScaling.Hype(found.Base).ToJson(), ["loss"] = found.Loss, ["loss_without"] = found.LossWithout, ["tried"] = tried };
            _log.Message($"a = {found.Base}: loss {found.Loss:F5}, without scaling {found.LossWithout:F5}");
        }

        AtomicFile.WriteAllText(ScalePath, json.ToJsonString(HaloJson.Indented) + "\n");
    }

    private void Export()
    {
        using CausalLm student = LoadFinal(Stages.Extend);
        JsonObject scale = JsonFile.ReadObject(ScalePath, "run the stage scale first");
        ModelExport.Write(student, LogitsScaling.Parse(scale["attn_logits_scaling"], ScalePath), _request.Teacher, _store.Folder.Model, _recipe.Export);
        _log.Message($"exported to {_store.Folder.Model}");
    }

    private void Train(string name, StageSpecification stage, IObjective objective, long salt, CausalLm trained)
    {
        IRowSource rows = _data.Training(stage.Training.RowLength, stage.Training.DocumentMask, stage.Sources, salt);
        string checkpoints = Path.Combine(_store.Folder.Checkpoints, name);
        TrainingResult result = new Trainer(name, stage.Training, objective, rows, checkpoints, _log).Run(_cancellation);
        if (result.End != TrainingEnd.Completed)
        {
            throw new OperationCanceledException();
        }

        _store.SaveFinal(name, trained);
    }

    private CausalLm NewStudent(IReadOnlyList<int> attentionLayers)
    {
        CausalLm student = WeightTransfer.Transfer(_teacher, WeightTransfer.Configuration(_teacher.Configuration, _recipe.Student, attentionLayers), _recipe.Student, _request.ComputeType);
        if (!_store.IsFinal(Stages.Align))
        {
            return student;
        }

        using IDisposable constant = no_grad();
        using CausalLm aligned = CausalLm.Load(_store.Final(Stages.Align), _request.Device, ScalarType.Float32);
        foreach (int layer in AllLayers.Except(attentionLayers))
        {
            foreach ((Parameter target, Parameter source) in student.Layers[layer].Mixer.Parameters.Zip(aligned.Layers[layer].Mixer.Parameters))
            {
                target.Value.copy_(source.Value);
            }
        }

        return student;
    }

    private CausalLm LoadFinal(string stage)
    {
        if (!_store.IsFinal(stage))
        {
            throw new HaloException($"{stage} has not been finished", _store.Folder.Root, $"run the conversion without --from, or with --from {stage}");
        }

        CausalLm model = CausalLm.Load(_store.Final(stage), _request.Device, ScalarType.Float32);
        model.ComputeType = _request.ComputeType;
        return model;
    }

    private SelectionResult Chosen()
    {
        JsonObject json = JsonFile.ReadObject(_store.Folder.Selection, "run the stage select first");
        int[] layers = json["layers"].Deserialize<int[]>() ?? throw new HaloException("the file has no layers", _store.Folder.Selection, "run the stage select again");
        return new SelectionResult(json["method"]?.ToString() ?? "list", layers, new Dictionary<int, double>());
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
