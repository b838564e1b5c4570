using System.Diagnostics;
using Halo.Core;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class FullDiskTests
{
    private static readonly TrainingOptions Options = new()
    {
        Steps = 12, RowLength = 10, GlobalBatch = 2, LearningRate = 1e-2, WarmupSteps = 1, CheckpointEvery = 2, LogEvery = 1, LossChunk = 7, KeepCheckpoints = 3,
    };

    [Fact]
    public void ACheckpointThatCannotBeWrittenLeavesTheLastOneAndTheRunContinues()
    {
        using var scratch = new ScratchFolder();
        // A file where the checkpoint is put together: the same failure for every user and file system.
        string obstacle = Path.Combine(scratch.Path, ".partial-step-00000006");
        Blocked(scratch.Path, block: () => File.WriteAllText(obstacle, ""), free: () => File.Delete(obstacle), failsAt: 6);
    }

    [Fact]
    public void AFullDiskLeavesTheLastCheckpointAndTheRunContinues()
    {
        using var scratch = new ScratchFolder();
        long one = Size();
        string disk = Path.Combine(scratch.Path, "disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Ran("mount", "-t", "tmpfs", "-o", $"size={one * 5 / 2}", "tmpfs", disk), "needs the right to mount a small disk");
        try
        {
            Blocked(disk, () => { }, () => Assert.True(Ran("mount", "-o", $"remount,size={one * 20}", disk)), failsAt: 6);
        }
        finally
        {
            Ran("umount", disk);
        }
    }

    [Fact]
    public void EventsOnAFullDiskAreOneClearError()
    {
        using var scratch = new ScratchFolder();
        Assert.SkipUnless(OperatingSystem.IsLinux() && Ran("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", scratch.Path), "needs the right to mount a small disk");
        try
        {
            var run = new RunFolder(scratch.Path);
            var error = Assert.Throws<HaloException>(() =>
            {
                using var log = new RunLog(run, NullRunLog.Instance);
                for (int step = 1; step < 2000; step++)
                {
                    log.Event(new RunEvent(DateTime.UtcNow, "stage1", "step", step, new() { ["loss"] = 1.0 / step }));
                }
            });
            Assert.Equal(run.Events, error.Where);
            Assert.Contains("free space", error.Remedy, StringComparison.Ordinal);
        }
        finally
        {
            Ran("umount", scratch.Path);
        }
    }

    [Fact]
    public void AWeightThatIsNotFiniteIsNamedAtTheFirstStep()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        Parameter bad = model.Parameters.Single(parameter => parameter.Name == "model.layers.1.mlp.up_proj.weight");
        using (no_grad())
        {
            bad.Value[3, 2] = float.NaN;
        }

        TrainingOptions options = Options with { LogEvery = 5 };
        var trainer = new Trainer("stage2", options, new NextTokenObjective(model, options), new Rows(10, Models.Vocabulary), null, NullRunLog.Instance);
        var error = Assert.Throws<HaloException>(() => trainer.Run(CancellationToken.None));
        Assert.Contains(bad.Name, error.What, StringComparison.Ordinal);
        Assert.Contains("step 1", error.What, StringComparison.Ordinal);
    }

    private static void Blocked(string folder, Action block, Action free, long failsAt)
    {
        float[] expected = Train(null);
        block();
        var error = Assert.Throws<HaloException>(() => Train(folder));
        Assert.Contains($"checkpoint of step {failsAt}", error.What, StringComparison.Ordinal);
        Assert.Contains("free space", error.Remedy, StringComparison.Ordinal);
        Assert.Contains($"step {failsAt - 2} is kept", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(["step-00000002", "step-00000004"], Directory.GetDirectories(folder).Select(Path.GetFileName).Order());
        free();
        Assert.Equal(expected, Train(folder));
    }

    private static float[] Train(string? folder)
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        new Trainer("pretrain", Options, new NextTokenObjective(model, Options), new Rows(10, Models.Vocabulary), folder, NullRunLog.Instance).Run(CancellationToken.None);
        return [.. model.Parameters.SelectMany(parameter => parameter.Value.data<float>().ToArray())];
    }

    private static long Size()
    {
        using var scratch = new ScratchFolder();
        Train(scratch.Path);
        return Directory.GetFiles(Directory.GetDirectories(scratch.Path)[0]).Sum(file => new FileInfo(file).Length + 4096);
    }

    private static bool Ran(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
