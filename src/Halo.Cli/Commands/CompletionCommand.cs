using System.CommandLine;
using Halo.Cli.Documentation;

namespace Halo.Cli.Commands;

/// <summary><c>halo completion SHELL</c>.</summary>
internal static class CompletionCommand
{
    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Prints a script that completes halo's commands and options in a shell.") { shell }
            .WithExamples("source <(halo completion bash)", "halo completion fish > ~/.config/fish/completions/halo.fish");
        CommandRunner.Handle(command, (parse, _) =>
        {
            RootCommand root = CommandLineProgram.Root();
            Console.Out.Write(parse.GetRequiredValue(shell) switch
            {
                "zsh" => CompletionScripts.Zsh(root),
                "fish" => CompletionScripts.Fish(root),
                _ => CompletionScripts.Bash(root),
            });
            return 0;
        });
        return command;
    }
}
