using System.Diagnostics;
using Halo.Cli.Documentation;

namespace Halo.Cli.Tests;

/// <summary>The completion script, run by bash itself.</summary>
public class CompletionTests
{
    [Theory]
    [InlineData("halo gen", "generate")]
    [InlineData("halo --v", "--version")]
    [InlineData("halo generate MODEL --max", "--max-tokens")]
    [InlineData("halo generate MODEL --device cu", "cuda")]
    [InlineData("halo eval MODEL --dtype b", "bfloat16")]
    [InlineData("halo completion z", "zsh")]
    [InlineData("halo generate mod", "")] // Nothing of ours, so that bash offers files.
    [InlineData("halo convert x --teacher --d", "")] // A value is due, no option.
    [InlineData("halo nonsense --d", "")]
    [InlineData("halo bench inf", "inference")]
    [InlineData("halo bench inference MODEL --again", "--against")]
    public void BashOffers(string line, string expected)
    {
        string[] words = line.Split(' ');
        string script = CompletionScripts.Bash(CommandLineProgram.Root())
            + $"COMP_WORDS=({line}); COMP_CWORD={words.Length - 1}; _halo_complete; echo \"${{COMPREPLY[*]}}\"\n";
        Assert.Equal(expected, Bash(script).TrimEnd());
    }

    [Fact]
    public void AllCommandsAreOfferedForAnEmptyWord()
    {
        string offered = Bash(CompletionScripts.Bash(CommandLineProgram.Root()) + "COMP_WORDS=(halo ''); COMP_CWORD=1; _halo_complete; echo \"${COMPREPLY[*]}\"\n");
        Assert.Equal([.. CommandTree.Words(CommandLineProgram.Root()).Select(command => command.Name), "--help", "--version"], offered.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void FishKnowsEveryCommandOnce()
    {
        string[] lines = CompletionScripts.Fish(CommandLineProgram.Root()).Split('\n');
        Assert.All(CommandTree.Words(CommandLineProgram.Root()), command => Assert.Single(lines, line => line.Contains($"__fish_use_subcommand -f -a {command.Name} ", StringComparison.Ordinal)));
    }

    private static string Bash(string script)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["--norc", "-s"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Write(script);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        Assert.Equal("", process.StandardError.ReadToEnd());
        process.WaitForExit();
        return output;
    }
}
