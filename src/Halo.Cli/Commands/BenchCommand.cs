using System.CommandLine;

namespace Halo.Cli.Commands;

/// <summary><c>halo bench ...</c>.</summary>
internal static class BenchCommand
{
    public static Command Create() => new Command("bench", "Measures speed and memory on this machine.")
    {
        InferenceBenchCommand.Create(),
        TrainingBenchCommand.Create(),
        KernelBenchCommand.Create(),
    }.WithExamples("halo bench inference models/hypenet-nano --against models/qwen3-nano --contexts 1k,4k,16k");
}
