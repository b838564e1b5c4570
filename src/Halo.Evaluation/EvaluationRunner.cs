using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Text;
using TorchSharp;

namespace Halo.Evaluation;

/// <summary>Runs tasks on a model.</summary>
public static class EvaluationRunner
{
    /// <summary>Loads a model folder for evaluation, with YaRN where the options ask for it (original_max_position_embeddings = max_position_embeddings).</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="options">Only <see cref="EvaluationOptions.YarnFactor"/> is read.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="type">Type of weights and of computing.</param>
    /// <exception cref="HaloException">The folder is broken, or the factor is impossible.</exception>
    public static CausalLm Load(string folder, EvaluationOptions options, torch.Device device, torch.ScalarType type)
    {
        ModelConfiguration configuration = ModelConfiguration.Load(folder);
        return options.YarnFactor is not double factor ? CausalLm.Load(folder, device, type)
            : factor >= 1 && double.IsFinite(factor) ? CausalLm.Load(folder, configuration.WithYarn(factor), device, type)
            : throw new HaloException($"a YaRN factor of {factor} is impossible", "--yarn", "give a factor of 1 or more");
    }

    /// <summary>Checks all tasks, then runs them in the order given.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">What to measure and how.</param>
    /// <param name="log">Progress and messages.</param>
    /// <param name="name">Who is measured, for the records: teacher, student, or a name.</param>
    /// <param name="cancellation">Ends the work between batches and tokens.</param>
    /// <returns>All records.</returns>
    /// <exception cref="HaloException">A task's name is unknown, or a file or option is missing or impossible.</exception>
    public static IReadOnlyList<ResultRecord> Run(
        CausalLm model, ITokenizer tokenizer, EvaluationOptions options, IRunLog log, string name = "model", CancellationToken cancellation = default)
    {
        if (options.MaximumLength is < 1)
        {
            throw new HaloException($"a length of {options.MaximumLength} ids is impossible", "--max-length", "give at least 1");
        }

        using SampleWriter? samples = options.SamplesPath is null ? null : new SampleWriter(options.SamplesPath);
        var scorer = new SequenceScorer(model);
        using ResumableScorer? resumable = options.ResumePath is null ? null : new ResumableScorer(scorer, options.ResumePath, ModelFingerprint.Of(model), log);
        var context = new EvaluationContext
        {
            Model = name,
            Generator = new Generator(model),
            Scorer = resumable is null ? scorer : resumable,
            Tokenizer = tokenizer,
            Options = options,
            MaximumLength = options.MaximumLength ?? model.Configuration.MaxPositionEmbeddings,
            StopIds = [.. new[] { tokenizer.EosId, tokenizer.DocumentEndId }.OfType<int>().Distinct()],
            BaseSettings = new JsonObject { ["dtype"] = model.ComputeType.ToString().ToLowerInvariant(), ["device"] = model.Device.type.ToString().ToLowerInvariant() },
            Log = log,
            Samples = samples,
            Cancellation = cancellation,
        };
        IReadOnlyList<ResultRecord> records = Run(context);
        samples?.Commit();
        resumable?.Finish();
        return records;
    }

    /// <summary>Checks all tasks of the context's options, then runs them in the order given.</summary>
    /// <param name="context">All that tasks may use.</param>
    /// <returns>All records.</returns>
    /// <exception cref="HaloException">A task's name is unknown, or a file or option is missing or impossible.</exception>
    public static IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        EvaluationOptions options = context.Options;
        if (options.Tasks.Count == 0)
        {
            throw new HaloException("no task was given", "--tasks", $"choose from {string.Join(", ", EvaluationTasks.Names)}");
        }

        if (options.Offset < 0 || options.Batch < 0 || options.Limit is < 1)
        {
            (string name, int least) = options.Offset < 0 ? ("offset", 0) : options.Batch < 0 ? ("batch", 0) : ("limit", 1);
            throw new HaloException($"the {name} is below {least}", $"--{name}", $"give {least} or more");
        }

        IEvaluationTask[] tasks = [.. options.Tasks.Select(EvaluationTasks.Create)];
        foreach (IEvaluationTask task in tasks)
        {
            task.Check(context);
        }

        // While the device works for one task, the processors read and encode for the next.
        Task prepared = Task.CompletedTask;
        foreach (IPrepared task in tasks.OfType<IPrepared>())
        {
            prepared = task.Prepare(context, prepared);
        }

        var records = new List<ResultRecord>();
        foreach (IEvaluationTask task in tasks)
        {
            var watch = Stopwatch.StartNew();
            IReadOnlyList<ResultRecord> figures = task.Run(context);
            records.AddRange(figures);
            context.Log.Message(string.Create(CultureInfo.InvariantCulture, $"{task.Name}: {watch.Elapsed.TotalSeconds:F1} s, {figures.Count} figures"));
        }

        return records;
    }
}
