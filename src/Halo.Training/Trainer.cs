using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Trains an objective on rows: accumulation to the global batch, clipping, AdamW, log, probes and checkpoints. Everything is a function of
/// (options, data, step), so continuing from a checkpoint gives what an uninterrupted run gives.
/// </summary>
public sealed class Trainer
{
    private readonly string _stage;
    private readonly TrainingOptions _options;
    private readonly IObjective _objective;
    private readonly IRowSource _rows;
    private readonly IRunLog _log;
    private readonly CheckpointStore? _store;
    private readonly LearningRate _learningRate;
    private readonly Stopwatch _clock = new();
    private long _clockTokens;

    /// <summary>Prepares a stage.</summary>
    /// <param name="stage">Its name, in events and errors.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="objective">What is minimised.</param>
    /// <param name="rows">The data; row r belongs to step r / global_batch.</param>
    /// <param name="checkpoints">Folder of the stage's checkpoints (<c>checkpoints/STAGE</c>); null: none are written or read.</param>
    /// <param name="log">Where it reports.</param>
    /// <exception cref="HaloException">An option is impossible, or the rows have another length.</exception>
    public Trainer(string stage, TrainingOptions options, IObjective objective, IRowSource rows, string? checkpoints, IRunLog log)
    {
        options.Validate(stage);
        if (rows.RowLength != options.RowLength)
        {
            throw new HaloException($"the data has rows of {rows.RowLength} tokens, the stage asks for {options.RowLength}", $"{stage}.row_length", "make the data with the stage's row_length");
        }

        (_stage, _options, _objective, _rows, _log) = (stage, options, objective, rows, log);
        _store = checkpoints is null ? null : new CheckpointStore(checkpoints, options.KeepCheckpoints);
        _learningRate = new LearningRate(options);
    }

    /// <summary>Measurements during training.</summary>
    public IReadOnlyList<TrainingProbe> Probes { get; init; } = [];

    /// <summary>Called after each step with its number from 1 on; nothing has waited for the device.</summary>
    internal Action<long>? AfterStep { get; init; }

    /// <summary>Whether matrices are kept in bfloat16 beside the float32 weights; null: for bfloat16 products on a GPU.</summary>
    internal bool? HalfWeights { get; init; }

    /// <summary>The device's memory before the run and what the stage should need, for the log; null: nothing is said about memory.</summary>
    internal (MemoryRoom Room, MemoryEstimate Needs)? Memory { get; init; }

    /// <summary>A text that identifies the data; a checkpoint of other data is refused.</summary>
    public string? DataFingerprint { get; init; }

    /// <summary>
    /// Runs from the newest complete checkpoint (or from the start) to the last step. Afterwards the trained parameters hold float32 tensors without gradients.
    /// </summary>
    /// <param name="cancellation">Asks to stop: the micro-batch at hand is finished, a checkpoint of the last whole step written.</param>
    /// <exception cref="HaloException">Loss or gradient became non-finite (the last good checkpoint stays), a checkpoint belongs to another run or cannot be written, memory was not enough, or the data failed.</exception>
    public TrainingResult Run(CancellationToken cancellation) =>
        MemoryErrors.Explain(_stage, MemoryErrors.LowerModel(_objective.Trained.Sum(parameter => parameter.Count)), () => Train(cancellation));

    private bool KeepsHalf => HalfWeights ?? (_objective.ComputeType == ScalarType.BFloat16 && _objective.Trained.FirstOrDefault()?.Value.device_type == DeviceType.CUDA);

    private TrainingResult Train(CancellationToken cancellation)
    {
        using DisposeScope scope = NewDisposeScope();
        using FlatParameters flat = FlatParameters.Take(_objective.Trained, KeepsHalf, accumulates: _options.MicroRows < _options.GlobalBatch);
        using var optimizer = new AdamW(flat, _options);
        long start = Continue(flat, optimizer);
        var about = new JsonObject { ["steps"] = _options.Steps, ["trained_parameters"] = flat.Count, ["objective"] = _objective.Name };
        if (Memory is { } expected && expected.Room.Before(_stage, expected.Needs) is { } before)
        {
            about["memory_estimated"] = expected.Needs.Total;
            _log.Message(before);
        }

        Emit("start", start, about);
        using var window = new StepWindow();
        using var data = new RowPrefetcher(_rows, _options, start);
        long saved = start;
        long step = start;
        double loss = double.NaN;
        RestartClock();
        while (step < _options.Steps && TryStep(step, flat, optimizer, data, window, cancellation))
        {
            step++;
            AfterStep?.Invoke(step);
            bool last = step == _options.Steps;
            if (last || step % _options.LogEvery == 0)
            {
                Check(window, flat, saved);
                loss = LogStep(step, window);
            }

            RunProbes(step, last);
            if (_store is not null && (last || (_options.CheckpointEvery > 0 && step % _options.CheckpointEvery == 0)))
            {
                Check(window, flat, saved);
                Save(step, flat, optimizer);
                saved = step;
            }
        }

        if (step < _options.Steps)
        {
            Check(window, flat, saved);
            if (_store is not null && saved < step)
            {
                Save(step, flat, optimizer);
            }

            TellMemory();
            return new TrainingResult(TrainingEnd.Stopped, step, double.IsNaN(window.MeanLoss) ? loss : window.MeanLoss);
        }

        Emit("end", step, TellMemory());
        return new TrainingResult(TrainingEnd.Completed, step, loss);
    }

    /// <returns>False when asked to stop before the step was whole; the weights are then those of the step before.</returns>
    private bool TryStep(long step, FlatParameters flat, AdamW optimizer, RowPrefetcher data, StepWindow window, CancellationToken cancellation)
    {
        using DisposeScope scope = NewDisposeScope();
        flat.ZeroGradient();
        Tensor? loss = null;
        var extras = new Dictionary<string, Tensor>();
        for (int row = 0; row < _options.GlobalBatch; row += _options.MicroRows)
        {
            if (cancellation.IsCancellationRequested)
            {
                return false;
            }

            using DisposeScope micro = NewDisposeScope();
            TokenBatch batch = data.Next();
            LossValue value = MemoryErrors.Explain(_stage, MemoryErrors.LowerStep(_options), () => _objective.Accumulate(batch, (double)batch.Rows / _options.GlobalBatch));
            loss = Sum(loss, value.Loss, scope);
            foreach ((string name, Tensor extra) in value.Extras)
            {
                extras[name] = Sum(extras.GetValueOrDefault(name), extra, scope);
            }
        }

        Tensor norm = optimizer.Update(step, _learningRate.At(step), loss!);
        StepClock.Mark(StepPart.Optimizer);
        window.Add(step + 1, loss!, norm, extras);
        return true;
    }

    private static Tensor Sum(Tensor? sum, Tensor share, DisposeScope scope)
    {
        // A copy: an objective may give one tensor as loss and as extra.
        if (sum is null)
        {
            return share.detach().clone().MoveToOtherDisposeScope(scope);
        }

        sum.add_(share);
        return sum;
    }

    private void Check(StepWindow window, FlatParameters flat, long saved)
    {
        if (window.Read() is not { } bad)
        {
            return;
        }

        string weight = flat.NotFinite() is { } name ? $" (the weight {name} is not finite)" : "";
        string what = double.IsFinite(bad.Loss) ? $"the gradient's norm is {Text(bad.Norm)}{weight}" : $"the loss is {Text(bad.Loss)}{weight}";
        Emit("error", bad.Step, new JsonObject { ["message"] = what });
        throw new HaloException(
            $"training stopped: {what} at step {bad.Step}", $"{_stage}, step {bad.Step}",
            (saved > 0 && _store is not null ? $"the last good checkpoint, of step {saved}, is kept; " : "") + "lower learning_rate, lengthen warmup_steps, or look at the weights and the data");

        static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private double LogStep(long step, StepWindow window)
    {
        double seconds = _clock.Elapsed.TotalSeconds;
        double speed = seconds > 0 ? _clockTokens / seconds : 0;
        var values = new JsonObject
        {
            ["loss"] = window.MeanLoss,
            ["learning_rate"] = _learningRate.At(step - 1),
            ["gradient_norm"] = window.Norm,
            ["tokens"] = step * _options.TokensPerStep,
            ["tokens_per_second"] = Math.Round(speed, 1),
        };
        foreach ((string name, JsonNode value) in window.Extras)
        {
            values[name] = value.DeepClone();
        }

        double loss = window.MeanLoss;
        window.Clear();
        Emit("step", step, values);
        _log.Progress(_stage, step, _options.Steps, string.Create(CultureInfo.InvariantCulture, $"loss {loss:0.0000}, {Short(speed)} tokens/s"));
        RestartClock();
        return loss;
    }

    private static string Short(double speed) => speed switch
    {
        >= 1e6 => (speed / 1e6).ToString("0.00", CultureInfo.InvariantCulture) + "M",
        >= 1e3 => (speed / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + "K",
        _ => speed.ToString("0", CultureInfo.InvariantCulture),
    };

    private void RunProbes(long step, bool last)
    {
        _clockTokens += _options.TokensPerStep;
        foreach (TrainingProbe probe in Probes.Where(probe => last || step % probe.Every == 0))
        {
            _clock.Stop();
            using IDisposable noGradient = no_grad();
            using DisposeScope scope = NewDisposeScope();
            JsonObject values = probe.Measure();
            values["probe"] = probe.Name;
            Emit("probe", step, values);
            _clock.Start();
        }
    }

    private void RestartClock()
    {
        _clockTokens = 0;
        _clock.Restart();
    }

    private void Save(long step, FlatParameters flat, AdamW optimizer)
    {
        _clock.Stop();
        string folder = _store!.Write(State(step), flat, optimizer);
        Emit("checkpoint", step, new JsonObject { ["folder"] = Path.GetFileName(folder) });
        _clock.Start();
    }

    /// <summary>Says what the stage took, and gives it for the event.</summary>
    private JsonObject TellMemory()
    {
        if (Memory is not { } found || found.Room.After(_stage, found.Needs) is not { } after)
        {
            return [];
        }

        _log.Message(after);
        return new JsonObject { ["memory_peak"] = found.Room.Taken, ["memory_estimated"] = found.Needs.Total };
    }

    private long Continue(FlatParameters flat, AdamW optimizer)
    {
        _store?.Clean();
        long step = 0;
        if (_store?.Newest(folder => _log.Message($"{_stage}: the checkpoint {folder} is damaged and passed over")) is { } newest)
        {
            newest.State.RequireSame(State(newest.State.Step), newest.Folder);
            CheckpointStore.Load(newest.Folder, flat, optimizer);
            step = newest.State.Step;
            _log.Message($"{_stage}: continues at step {step} of {_options.Steps}");
        }

        (_log as IRewindableLog)?.Rewind(_stage, step);
        return step;
    }

    private CheckpointState State(long step) =>
        new(_stage, step, step * _options.TokensPerStep, _objective.Name, DataFingerprint, _options, new Dictionary<string, long>());

    private void Emit(string kind, long step, JsonObject values) => _log.Event(new RunEvent(DateTime.UtcNow, _stage, kind, step, values));
}
