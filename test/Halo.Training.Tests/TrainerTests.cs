using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class TrainerTests
{
    private static readonly TrainingOptions Options = new()
    {
        Steps = 6, RowLength = 10, GlobalBatch = 4, LearningRate = 1e-2, WarmupSteps = 1, CheckpointEvery = 2, LogEvery = 1, LossChunk = 7,
    };

    private static Trainer Make(CausalLm model, TrainingOptions options, string? checkpoints, IRunLog log, IRowSource? rows = null, IReadOnlyList<TrainingProbe>? probes = null) =>
        new("pretrain", options, new NextTokenObjective(model, options), rows ?? new Rows(10, Models.Vocabulary), checkpoints, log) { Probes = probes ?? [] };

    private static float[] Weights(CausalLm model) => [.. model.Parameters.SelectMany(parameter => parameter.Value.detach().to_type(ScalarType.Float32).data<float>().ToArray())];

    [Fact]
    public void LossFallsAndEventsTellAll()
    {
        TrainingOptions options = Options with { Steps = 60, LogEvery = 10, CheckpointEvery = 0 };
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        var log = new MemoryLog();
        TrainingResult result = Make(model, options, null, log).Run(CancellationToken.None);
        Assert.Equal((TrainingEnd.Completed, 60L), (result.End, result.Step));
        List<RunEvent> steps = [.. log.Events.Where(entry => entry.Kind == "step")];
        Assert.Equal([10, 20, 30, 40, 50, 60], steps.Select(entry => entry.Step));
        // Below that of a uniform guess: what the rows repeat has been learnt.
        Assert.True(steps[^1].Values["loss"]!.GetValue<double>() < Math.Min(Math.Log(Models.Vocabulary), steps[0].Values["loss"]!.GetValue<double>()) - 0.1);
        Assert.Equal(60L * 4 * 10, steps[^1].Values["tokens"]!.GetValue<long>());
        Assert.All(steps, entry => Assert.All(["loss", "learning_rate", "gradient_norm", "tokens_per_second"], key => Assert.True(entry.Values[key]!.GetValue<double>() > 0)));
        Assert.Equal(["start", "end"], log.Events.Where(entry => entry.Kind != "step").Select(entry => entry.Kind));
    }

    [Fact]
    public void EachStepReadsItsOwnRowsWhateverTheMicroBatch()
    {
        var counts = new List<float[]>();
        foreach (int micro in new[] { 4, 3, 1 })
        {
            using CausalLm model = Models.Create(hybrid: true, seed: 2);
            var rows = new Rows(10, Models.Vocabulary);
            Make(model, Options with { MicroBatch = micro }, null, NullRunLog.Instance, rows).Run(CancellationToken.None);
            Assert.Equal(Enumerable.Range(0, 24).Select(row => (long)row), rows.Seen);
            counts.Add(Weights(model));
        }

        Assert.All(counts[1].Zip(counts[0]), pair => Assert.Equal(pair.Second, pair.First, 2e-3f));
        Assert.All(counts[2].Zip(counts[0]), pair => Assert.Equal(pair.Second, pair.First, 2e-3f));
    }

    [Fact]
    public void StoppedAndContinuedEqualsUninterrupted()
    {
        using var scratch = new ScratchFolder();
        using CausalLm whole = Models.Create(hybrid: true, seed: 2), parts = Models.Create(hybrid: true, seed: 2);
        Make(whole, Options, null, NullRunLog.Instance).Run(CancellationToken.None);

        using var stop = new CancellationTokenSource();
        var probe = new TrainingProbe("stop", 3, () => { stop.Cancel(); return []; });
        TrainingResult first = Make(parts, Options, scratch.Path, NullRunLog.Instance, probes: [probe]).Run(stop.Token);
        Assert.Equal((TrainingEnd.Stopped, 3L), (first.End, first.Step));

        using CausalLm again = Models.Create(hybrid: true, seed: 99);
        var rows = new Rows(10, Models.Vocabulary);
        TrainingResult second = Make(again, Options, scratch.Path, NullRunLog.Instance, rows).Run(CancellationToken.None);
        Assert.Equal((TrainingEnd.Completed, 6L), (second.End, second.Step));
        Assert.Equal(12, rows.Seen[0]);
        Assert.Equal(Weights(whole), Weights(again));

        using CausalLm third = Models.Create(hybrid: true, seed: 98);
        Assert.Equal(TrainingEnd.Completed, Make(third, Options, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None).End);
        Assert.Equal(Weights(whole), Weights(third));
    }

    [Fact]
    public void OtherOptionsOrModelsAreRefusedAndFreeOnesAreNot()
    {
        using var scratch = new ScratchFolder();
        using CausalLm model = Models.Create(hybrid: true, seed: 2), other = Models.Create(hybrid: false, seed: 2);
        Make(model, Options, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None);
        var error = Assert.Throws<HaloException>(() => Make(model, Options with { LearningRate = 0.02 }, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None));
        Assert.Contains("learning_rate was 0.01, is 0.02", error.What, StringComparison.Ordinal);
        error = Assert.Throws<HaloException>(() => Make(other, Options, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None));
        Assert.Contains("another model", error.What, StringComparison.Ordinal);
        Make(model, Options with { MicroBatch = 1, LogEvery = 3 }, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None);
    }

    [Fact]
    public void DamagedAndUnfinishedCheckpointsArePassedOver()
    {
        using var scratch = new ScratchFolder();
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        Make(model, Options, scratch.Path, NullRunLog.Instance).Run(CancellationToken.None);
        Assert.Equal(["step-00000004", "step-00000006"], Directory.GetDirectories(scratch.Path).Select(Path.GetFileName).Order());

        using (FileStream file = File.OpenWrite(Path.Combine(scratch.Path, "step-00000006", "optimizer.safetensors")))
        {
            file.SetLength(file.Length / 2);
        }

        Directory.CreateDirectory(Path.Combine(scratch.Path, ".partial-step-00000008"));
        float[] expected = Weights(model);
        using CausalLm again = Models.Create(hybrid: true, seed: 3);
        var rows = new Rows(10, Models.Vocabulary);
        Make(again, Options, scratch.Path, NullRunLog.Instance, rows).Run(CancellationToken.None);
        Assert.Equal(16, rows.Seen[0]);
        Assert.Equal(expected, Weights(again));
        Assert.Equal(["step-00000004", "step-00000006"], Directory.GetDirectories(scratch.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void NonFiniteLossStopsAndKeepsTheLastGoodCheckpoint()
    {
        using var scratch = new ScratchFolder();
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        TrainingOptions options = Options with { LogEvery = 5, Steps = 20 };
        var objective = new Poisoned(new NextTokenObjective(model, options), atCall: 3);
        var log = new MemoryLog();
        var trainer = new Trainer("stage2", options, objective, new Rows(10, Models.Vocabulary), scratch.Path, log);
        var error = Assert.Throws<HaloException>(() => trainer.Run(CancellationToken.None));
        Assert.Contains("step 4", error.What, StringComparison.Ordinal);
        Assert.Contains("step 2", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(["step-00000002"], Directory.GetDirectories(scratch.Path).Select(Path.GetFileName));
        Assert.Equal("error", log.Events[^1].Kind);
    }

    [Fact]
    public void DataErrorsReachTheCallerAndRowLengthsMustAgree()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        var error = Assert.Throws<HaloException>(() => Make(model, Options, null, NullRunLog.Instance, new Broken()).Run(CancellationToken.None));
        Assert.Equal("the file is gone", error.What);
        Assert.Equal("pretrain.row_length", Assert.Throws<HaloException>(() => Make(model, Options, null, NullRunLog.Instance, new Rows(9, 5))).Where);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AThousandStepsLeaveNoTensors(bool half)
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2), teacher = Models.Create(hybrid: false, seed: 3);
        model.ComputeType = teacher.ComputeType = half ? ScalarType.BFloat16 : ScalarType.Float32;
        TrainingOptions options = Options with { Steps = 1000, GlobalBatch = 2, MicroBatch = 1, RowLength = 4, LogEvery = 3, CheckpointEvery = 0, Recompute = true };
        var live = new List<long>();
        var probe = new TrainingProbe("live", 500, () => { live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount); return []; });
        var trainer = new Trainer("stage2", options, new DistillationObjective(model, teacher, options, 0.1), new Rows(4, Models.Vocabulary), null, NullRunLog.Instance)
        {
            HalfWeights = half,
            Probes = [new TrainingProbe("first", 3, () => { if (live.Count == 0) { live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount); } return []; }), probe],
        };
        trainer.Run(CancellationToken.None);
        Assert.Equal(3, live.Count);
        Assert.True(live[2] <= live[0], string.Join(", ", live));
    }

    private sealed class Poisoned(IObjective inner, int atCall) : IObjective
    {
        private int _calls;

        public string Name => inner.Name;

        public IReadOnlyList<Parameter> Trained => inner.Trained;

        public LossValue Accumulate(TokenBatch micro, double rowsShare)
        {
            LossValue value = inner.Accumulate(micro, rowsShare);
            return _calls++ == atCall ? value with { Loss = value.Loss * double.NaN } : value;
        }
    }

    private sealed class Broken : IRowSource
    {
        public int RowLength => 10;

        public TokenBatch Read(long firstRow, int count) => throw new HaloException("the file is gone");
    }
}
