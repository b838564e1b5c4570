using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Conversion.Recipes;

/// <summary>A run as a file: everything that decides its result. See docs/recipes.md.</summary>
public sealed record Recipe
{
    /// <summary>Name of the recipe.</summary>
    public string Name { get; init; } = "";

    /// <summary>Data.</summary>
    public DataSpecification Data { get; init; } = new();

    /// <summary>The student.</summary>
    public StudentSpecification Student { get; init; } = new();

    /// <summary>Stage 1: hidden-state alignment.</summary>
    public StageSpecification? Stage1 { get; init; }

    /// <summary>Choice of the attention layers.</summary>
    public SelectionSpecification Selection { get; init; } = new();

    /// <summary>Stage 2: distillation.</summary>
    public StageSpecification? Stage2 { get; init; }

    /// <summary>Stage 3: long-context fine-tuning.</summary>
    public StageSpecification? Stage3 { get; init; }

    /// <summary>Search for a.</summary>
    public ScaleSpecification Scale { get; init; } = new();

    /// <summary>Export.</summary>
    public ExportSpecification Export { get; init; } = new();

    /// <summary>Evaluation.</summary>
    public EvaluationSpecification Evaluation { get; init; } = new();

    /// <summary>Pretraining: config.json of the model to make; null in a conversion.</summary>
    public JsonObject? Model { get; init; }

    /// <summary>Pretraining: folder with the tokenizer.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Pretraining: the stage.</summary>
    public StageSpecification? Pretrain { get; init; }

    /// <summary>Pretraining: data by step.</summary>
    public IReadOnlyList<PhaseSpecification> Phases { get; init; } = [];

    /// <summary>Sources that stages and phases have of their own.</summary>
    internal IReadOnlyList<SourceSpecification> StageSources =>
        [.. new[] { Stage1, Stage2, Stage3, Pretrain }.SelectMany(stage => stage?.Sources ?? []), .. Phases.SelectMany(phase => phase.Sources)];

    /// <summary>The recipe's JSON as read, with overrides.</summary>
    public required JsonObject Json { get; init; }

    /// <summary>Checks values that do not depend on the teacher.</summary>
    /// <exception cref="HaloException">One is impossible.</exception>
    public void Validate()
    {
        Data.Validate("data");
        foreach ((string name, StageSpecification? stage) in new[] { ("stage1", Stage1), ("stage2", Stage2), ("stage3", Stage3), ("pretrain", Pretrain) })
        {
            stage?.Training.Validate(name);
            if (stage?.Sources is { } sources)
            {
                SourceSpecification.Validate(sources, $"{name}.sources");
            }

            if (stage is not null && !(stage.CrossEntropyWeight >= 0 && double.IsFinite(stage.CrossEntropyWeight)))
            {
                throw new HaloException($"cross_entropy_weight is {stage.CrossEntropyWeight}", $"{name}.cross_entropy_weight", "give a number of at least 0");
            }
        }

        if (Selection.Top is < 1 || !(Selection.Epsilon > 0) || Selection.RecallRows < 1 || Selection.TextRows < 1 || Selection.RowLength < 16)
        {
            throw new HaloException("top, epsilon, recall_rows, text_rows and row_length must be positive", "selection", "mend the recipe");
        }

        Halo.Conversion.Selection.SelectionMethods.Check(Selection);
        ValidatePhases();
        ValidateEvaluation();
        if (Scale.RowLength < 0 || Scale.Rows < 1 || !(Scale.Smallest >= 1.01) || !double.IsFinite(Scale.Largest) || !(Scale.Largest > Scale.Smallest))
        {
            throw new HaloException("row_length must not be negative, rows be at least 1, and 1.01 <= smallest < largest", "scale", "mend the recipe");
        }

        _ = Halo.Tensors.LibTorch.ParseType(Export.Dtype, "export.dtype");
        if (Export.ShardBytes < 1 << 20)
        {
            throw new HaloException($"shard_bytes is {Export.ShardBytes}", "export.shard_bytes", "give at least 1048576");
        }
    }

    // A phase ends at a step, and the last one at the end.
    private void ValidatePhases()
    {
        if (Phases.Count > 0 && Pretrain is null)
        {
            throw new HaloException("phases belong to pretraining, and the recipe has no section pretrain", "phases", "give sources in data or in the stages");
        }

        long start = 0;
        for (int i = 0; i < Phases.Count; i++)
        {
            if (Phases[i] is null)
            {
                throw new HaloException($"phase {i} is null", $"phases[{i}]", "give it sources");
            }

            long end = Phases[i].UntilStep ?? long.MaxValue;
            if (end <= start || (i < Phases.Count - 1 && Phases[i].UntilStep is null))
            {
                throw new HaloException($"phase {i} does not end after the one before", $"phases[{i}].until_step", "give ascending steps; only the last phase may go without");
            }

            if (Phases[i].Sources.Count == 0)
            {
                throw new HaloException($"phase {i} has no sources", $"phases[{i}].sources", "give it sources");
            }

            SourceSpecification.Validate(Phases[i].Sources, $"phases[{i}].sources");
            start = end;
        }

        if (Phases.Count > 0 && start < Pretrain!.Training.Steps)
        {
            throw new HaloException($"the last phase ends at step {start}, pretraining at {Pretrain.Training.Steps}", "phases", "leave until_step out of the last phase");
        }
    }

    private void ValidateEvaluation()
    {
        foreach (string task in Evaluation.Tasks)
        {
            _ = Halo.Evaluation.EvaluationTasks.Create(task ?? throw new HaloException("a task is null", "evaluation.tasks", "remove it"));
        }

        if (Evaluation.Lengths.Any(length => length < 1) || Evaluation.Limit is < 1 || Evaluation.PerplexityLimit is < 1 || Evaluation.TeacherYarn.Any(factor => !(factor >= 1) || !double.IsFinite(factor)))
        {
            throw new HaloException("lengths and limits must be at least 1, factors of teacher_yarn finite and at least 1", "evaluation", "mend the recipe");
        }
    }
}
