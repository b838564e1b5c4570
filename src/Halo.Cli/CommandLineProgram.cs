using System.CommandLine;
using Halo.Cli.Commands;

namespace Halo.Cli;

/// <summary>The command tree.</summary>
internal static class CommandLineProgram
{
    /// <summary>Runs a command line; returns the exit code.</summary>
    public static Task<int> RunAsync(string[] args)
    {
        ParseResult parse = Root().Parse(args);
        return UsageError.Of(parse) is { } error
            ? Task.FromResult(CommandRunner.Fail(error.Message))
            : parse.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }

    /// <summary>All commands.</summary>
    public static RootCommand Root() => new("Halo turns a pretrained Transformer into HypeNet, a hybrid of linear attention and a few softmax-attention layers, and measures the result.")
    {
        DemoCommand.Create(),
        ImportCommand.Create(),
        ConvertCommand.Create(),
        PretrainCommand.Create(),
        SelectCommand.Create(),
        ScaleCommand.Create(),
        EvaluateCommand.Create(),
        GenerateCommand.Create(),
        ChatCommand.Create(),
        BenchCommand.Create(),
        InspectCommand.Create(),
        VerifyCommand.Create(),
        TokenizeCommand.Create(),
        ReportCommand.Create(),
        CompareCommand.Create(),
        DoctorCommand.Create(),
        CompletionCommand.Create(),
        DocumentationCommand.Create(),
    };
}
