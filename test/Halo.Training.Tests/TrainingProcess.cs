using System.Diagnostics;
using System.Globalization;
using Halo.Core;
using Halo.Models;

namespace Halo.Training.Tests;

/// <summary>A trainer in a process of its own: <c>train FOLDER MILLISECONDS</c> trains a small model, slowed down so that a kill meets it anywhere.</summary>
internal static class TrainingProcess
{
    public static readonly TrainingOptions Options = new()
    {
        Steps = 40, RowLength = 12, GlobalBatch = 4, MicroBatch = 3, LearningRate = 1e-2, WarmupSteps = 5, CheckpointEvery = 3, LogEvery = 1, WeightDecay = 0.1, LossChunk = 16,
    };

    public static int Run(string[] arguments)
    {
        var run = new RunFolder(arguments[0]);
        int delay = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        Train(run, delay, CancellationToken.None);
        return 0;
    }

    public static TrainingResult Train(RunFolder run, int delay, CancellationToken cancellation)
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 1);
        using var log = new RunLog(run, NullRunLog.Instance);
        var trainer = new Trainer("pretrain", Options, new NextTokenObjective(model, Options), new Rows(12, Models.Vocabulary), Path.Combine(run.Checkpoints, "pretrain"), log)
        {
            Probes = [new TrainingProbe("pause", 1, () => { Thread.Sleep(delay); return []; })],
        };
        return trainer.Run(cancellation);
    }

    public static Process Start(RunFolder run, int delay)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(TrainingProcess).Assembly.Location);
        }

        foreach (string argument in new[] { "train", run.Root, delay.ToString(CultureInfo.InvariantCulture) })
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
