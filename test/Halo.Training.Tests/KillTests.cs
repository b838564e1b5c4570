using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Halo.Core;

namespace Halo.Training.Tests;

public sealed class KillTests
{
    /// <summary>SIGKILL after the given numbers of events, each time in another phase of a step, then a run to the end.</summary>
    [Fact]
    public void KilledAndContinuedEqualsUninterruptedBitForBit()
    {
        using var scratch = new ScratchFolder();
        var whole = new RunFolder(Path.Combine(scratch.Path, "whole"));
        using (Process process = TrainingProcess.Start(whole, 0))
        {
            Finish(process);
        }

        var killed = new RunFolder(Path.Combine(scratch.Path, "killed"));
        foreach (int events in new[] { 9, 31, 42, 64 })
        {
            using Process process = TrainingProcess.Start(killed, 50);
            while (!process.HasExited && Lines(killed) < events)
            {
                Thread.Sleep(3);
            }

            Assert.False(process.HasExited, "the process was to be killed while it trained");
            process.Kill();
            process.WaitForExit();
            Assert.Equal(128 + 9, process.ExitCode);
        }

        Assert.False(File.Exists(Final(killed, "weights.safetensors")));
        using (Process process = TrainingProcess.Start(killed, 0))
        {
            Finish(process);
        }

        foreach (string file in new[] { "weights.safetensors", "optimizer.safetensors" })
        {
            Assert.Equal(Hash(Final(whole, file)), Hash(Final(killed, file)));
        }

        // Each step is logged once, with the loss of the uninterrupted run.
        Assert.Equal(Losses(whole), Losses(killed));
        Assert.Equal(Enumerable.Range(1, 40).Select(step => (long)step), Losses(killed).Select(entry => entry.Step));
        Assert.Equal(2, Directory.GetFileSystemEntries(Path.Combine(killed.Checkpoints, "pretrain")).Length);
    }

    private static void Finish(Process process)
    {
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    private static string Final(RunFolder run, string file) => Path.Combine(run.Checkpoints, "pretrain", "step-00000040", file);

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static int Lines(RunFolder run) => File.Exists(run.Events) ? File.ReadAllText(run.Events).Count(character => character == '\n') : 0;

    private static List<(long Step, double Loss)> Losses(RunFolder run) =>
    [
        .. File.ReadAllLines(run.Events).Select(line => JsonSerializer.Deserialize<RunEvent>(line, HaloJson.Line)!)
            .Where(entry => entry.Kind == "step").Select(entry => (entry.Step, entry.Values["loss"]!.GetValue<double>())),
    ];
}
