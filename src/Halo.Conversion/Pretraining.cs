using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using Halo.Text.Data;
using Halo.Training;
using TorchSharp;

namespace Halo.Conversion;

/// <summary>Trains a Qwen3-type model from scratch on next tokens, and exports it.</summary>
public static class Pretraining
{
    private const string Stage = "pretrain";
    private const int ProbeRows = 32;
    private const long ProbeEvery = 100;

    /// <summary>Runs a pretraining recipe, or continues it.</summary>
    /// <param name="recipe">Recipe with model, tokenizer and pretrain.</param>
    /// <param name="tokenizerFolder">Folder of the tokenizer.</param>
    /// <param name="dataFolders">Text for sources without a path.</param>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="computeType">Type of products.</param>
    /// <param name="display">Where progress is shown.</param>
    /// <param name="cancellation">Asks to stop: a checkpoint is written first.</param>
    /// <param name="ignoreMemory">Start even where more memory is expected to be needed than there is.</param>
    /// <exception cref="HaloException">Something in recipe, data or run folder is wrong.</exception>
    public static PipelineResult Run(Recipe recipe, string tokenizerFolder, IReadOnlyList<string> dataFolders, string runFolder, torch.Device device, torch.ScalarType computeType, IRunLog display, CancellationToken cancellation, bool ignoreMemory = false)
    {
        if (recipe.Model is not { } model || recipe.Pretrain is not { } stage)
        {
            throw new HaloException("the recipe has no model and pretrain sections", recipe.Name, "give a pretraining recipe such as nano-teacher");
        }

        ModelConfiguration configuration = ModelConfiguration.Parse((JsonObject)model.DeepClone(), $"{recipe.Name}: model");
        var tokenizer = HuggingFaceTokenizer.Load(tokenizerFolder);
        if (tokenizer.VocabularySize > configuration.VocabSize)
        {
            throw new HaloException($"the tokenizer has {tokenizer.VocabularySize:N0} ids, the model an embedding of {configuration.VocabSize:N0}", $"{recipe.Name}: model.vocab_size", "make the embedding as large as the vocabulary");
        }

        var room = new MemoryRoom(device);
        MemoryEstimate needs = MemoryEstimate.Of(configuration, stage.Training, StageMemory.ComputeBytes(device, computeType));
        var store = new RunStore(new RunFolder(runFolder));
        if (!ignoreMemory && !store.IsFinal(Stage))
        {
            room.Require(Stage, needs, stage.Training);
        }

        RunIdentity identity = RunIdentity.OfPretraining(recipe, tokenizerFolder, dataFolders);
        store.Claim(recipe, identity);
        using var log = new RunLog(store.Folder, display);
        using var data = new DataSet(recipe.Data, dataFolders, tokenizer, Path.Combine(runFolder, "cache"), log, cancellation) { StageSources = recipe.StageSources };
        using CausalLm student = CausalLm.Create(configuration, device, torch.ScalarType.Float32, stage.Training.Seed);
        student.ComputeType = computeType;
        if (!store.IsFinal(Stage))
        {
            var trainer = new Trainer(Stage, stage.Training, new NextTokenObjective(student, stage.Training), Rows(recipe, stage, data), Path.Combine(store.Folder.Checkpoints, Stage), log)
            {
                DataFingerprint = identity.DataFingerprint,
                Memory = (room, needs),
                Probes = Probes(recipe, stage, data, student),
            };
            if (trainer.Run(cancellation).End != TrainingEnd.Completed)
            {
                display.Message("stopped; the same command continues");
                return new PipelineResult(false, Stage);
            }

            store.SaveFinal(Stage, student);
        }

        using CausalLm final = CausalLm.Load(store.Final(Stage), device, torch.ScalarType.Float32);
        ModelExport.Write(final, null, tokenizerFolder, store.Folder.Model, recipe.Export);
        display.Message($"exported to {store.Folder.Model}");
        return new PipelineResult(true, Stage);
    }

    private static IRowSource Rows(Recipe recipe, StageSpecification stage, DataSet data)
    {
        IRowSource Source(IReadOnlyList<SourceSpecification>? sources) => data.Training(stage.Training.RowLength, stage.Training.DocumentMask, sources, salt: 0);
        if (recipe.Phases.Count == 0)
        {
            return Source(stage.Sources);
        }

        return new PhasedRows([.. recipe.Phases.Select(phase => (phase.UntilStep is { } step ? step * stage.Training.GlobalBatch : long.MaxValue, Source(phase.Sources)))]);
    }

    // Recall comes all at once when a circuit for it forms, so the share of right digits is watched, not only exact answers.
    private static List<TrainingProbe> Probes(Recipe recipe, StageSpecification stage, DataSet data, CausalLm student)
    {
        IEnumerable<SourceSpecification> all = recipe.Phases.SelectMany(phase => phase.Sources).Concat(stage.Sources ?? recipe.Data.Sources);
        if (!all.Any(source => source.Recall is not null))
        {
            return [];
        }

        int length = stage.Training.RowLength;
        var needles = new RecallOptions { MinDocument = Math.Max(16, length / 2), MaxDocument = Math.Max(16, length - 8), Lists = 0, Needles = 1, Copies = 0, MaxNeedles = 2 };
        TokenBatch batch = data.Training(length, stage.Training.DocumentMask, [new SourceSpecification { Recall = needles }], salt: 901).Read(0, ProbeRows);
        return [RecallProbe.Probe("recall", ProbeEvery, student, batch, stage.Training.DocumentMask)];
    }
}
