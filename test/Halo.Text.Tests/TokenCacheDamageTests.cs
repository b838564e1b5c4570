using System.Diagnostics;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

public sealed class TokenCacheDamageTests : IDisposable
{
    private const string Limited = "HALO_TEST_LIMITED_FOLDER";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("*.train.tokens", "delete")]
    [InlineData("*.train.tokens", "cut")]
    [InlineData("*.train.tokens", "empty")]
    [InlineData("*.train.tokens.index", "delete")]
    [InlineData("*.train.tokens.index", "zero")]
    [InlineData("*.held-out.tokens", "delete")]
    [InlineData("*.held-out.tokens", "cut")]
    [InlineData("*.held-out.tokens.index", "zero")]
    [InlineData("*.done", "delete")]
    [InlineData("*.done", "cut")]
    [InlineData("*.done", "empty")]
    public void ADamagedCacheIsMadeAnew(string pattern, string damage)
    {
        for (int i = 0; i < 20; i++)
        {
            _folder.Write($"text/{i:00}.txt", $"document {i}");
        }

        int[] before = Ids(0.1);
        string file = Directory.GetFiles(_folder["cache"], pattern).Single();
        byte[] bytes = File.ReadAllBytes(file);
        switch (damage)
        {
            case "delete": File.Delete(file); break;
            case "cut": File.WriteAllBytes(file, bytes[..^2]); break;
            case "zero": File.WriteAllBytes(file, new byte[bytes.Length]); break;
            default: File.WriteAllBytes(file, []); break;
        }

        Assert.Equal(before, Ids(0.1));
        Assert.Equal(bytes, File.ReadAllBytes(file));
    }

    [Fact]
    public void AFailureMidwayLeavesNothing()
    {
        _folder.Write("text/a.jsonl", string.Concat(Enumerable.Repeat("{\"text\": \"fine\"}\n", 1000)) + "{broken\n");
        Assert.Throws<HaloException>(() => _folder.Open("text", 0.1));
        Assert.Empty(Directory.GetFileSystemEntries(_folder["cache"]));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        _folder.Write("text/a.jsonl", "{\"text\": \"fine\"}\n");
        Assert.Throws<OperationCanceledException>(() => TokenCache.Open(_folder["text"], new ByteTokenizer(), new TokenCacheOptions(), _folder["cache"], NullRunLog.Instance, stopped.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder["cache"]));
    }

    [Fact]
    public void WhatAKilledProcessLeftIsRemovedOnceItIsOld()
    {
        _folder.Write("a.txt", "text");
        _folder.Open("a.txt").Training.Dispose();
        string tokens = Directory.GetFiles(_folder["cache"], "*.train.tokens").Single();
        File.Delete(tokens);
        File.WriteAllText(tokens + ".1-old.partial", "half");
        File.WriteAllText(tokens + ".2-new.partial", "half");
        File.SetLastWriteTimeUtc(tokens + ".1-old.partial", DateTime.UtcNow.AddDays(-1));
        _folder.Open("a.txt").Training.Dispose();
        Assert.Equal([tokens + ".2-new.partial"], Directory.GetFiles(_folder["cache"], "*.partial"));
    }

    [Fact]
    public void ACacheFolderThatCannotBeIsNamed()
    {
        _folder.Write("a.txt", "text");
        _folder.Write("cache", "a file where the folder should be");
        Assert.Equal(_folder["cache"], Assert.Throws<HaloException>(() => _folder.Open("a.txt")).Where);
    }

    /// <summary>Runs itself again under a limit of file size, as some file systems have one.</summary>
    [Fact]
    public void AFileTooLargeForItsPlaceLeavesNothingAndSaysSo()
    {
        if (Environment.GetEnvironmentVariable(Limited) is { } folder)
        {
            CannotWrite(Path.Combine(folder, "a.jsonl"), Path.Combine(folder, "cache"));
            return;
        }

        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a limit of file size");
        WriteLargeCorpus();
        var start = new ProcessStartInfo("/bin/bash") { RedirectStandardOutput = true };
        string program = typeof(TokenCacheDamageTests).Assembly.Location;
        foreach (string argument in new[] { "-c", $"trap '' XFSZ; ulimit -f 1024; exec dotnet \"$0\" --filter-method '*{nameof(AFileTooLargeForItsPlaceLeavesNothingAndSaysSo)}'", program })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[Limited] = _folder.Root;
        // The runtime would map its code twice through a file of its own, which the limit forbids.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("succeeded: 1"), output);
        Assert.Empty(Directory.GetFileSystemEntries(_folder["cache"]));
    }

    [Fact]
    public void AFullDiskLeavesNothingAndSaysSo()
    {
        WriteLargeCorpus();
        Directory.CreateDirectory(_folder["small"]);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Ran("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", _folder["small"]), "needs the right to mount a small disk");
        try
        {
            CannotWrite(_folder["a.jsonl"], _folder["small/cache"]);
            Assert.Empty(Directory.GetFileSystemEntries(_folder["small/cache"]));
        }
        finally
        {
            Ran("umount", _folder["small"]);
        }
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

    private static void CannotWrite(string corpus, string cache)
    {
        var error = Assert.Throws<HaloException>(() => TokenCache.Open(corpus, new ByteTokenizer(), new TokenCacheOptions(0.3), cache, NullRunLog.Instance));
        Assert.Contains("cannot write", error.What);
        Assert.Contains("free space", error.Remedy);
    }

    private void WriteLargeCorpus() => _folder.Write("a.jsonl", string.Concat(Enumerable.Repeat("{\"text\": \"" + new string('x', 1000) + "\"}\n", 4000)));

    private int[] Ids(double heldOut)
    {
        (TokenStore training, TokenStore? held) = _folder.Open("text", heldOut);
        using (training)
        using (held)
        {
            return [.. new[] { training, held! }.SelectMany(store => Enumerable.Range(0, store.Documents).SelectMany(store.Document))];
        }
    }
}
