using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Reporting;

namespace Halo.Cli.Commands;

/// <summary><c>halo compare RUN RUN --out FOLDER</c>.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var first = new Argument<string>("FIRST") { Description = "Folder of a run." };
        var second = new Argument<string>("SECOND") { Description = "Folder of another run." };
        var output = new Option<string>("--out") { Description = "Folder for pictures (PNG and SVG) and compare.json.", Required = true };
        var names = new Option<string?>("--names") { Description = "What the runs are called, separated by a comma (default: their folders' names)." };
        var json = CommonOptions.Json();
        var command = new Command("compare", "Draws the losses of two runs over each other, stage by stage, and states their greatest difference.") { first, second, output, names, json }
            .WithExamples("halo compare runs/kernels runs/plain --names \"with kernels,plain tensor operations\" --out pictures");
        CommandRunner.Handle(command, (parse, _) =>
        {
            string[] folders = [parse.GetRequiredValue(first), parse.GetRequiredValue(second)];
            string[] called = parse.GetValue(names)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                ?? [.. folders.Select(folder => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))))];
            if (called.Length != 2)
            {
                throw new HaloException($"two names are needed, not {called.Length}", "--names", "give --names FIRST,SECOND");
            }

            JsonObject result = RunComparison.Write(parse.GetRequiredValue(output), new RunFolder(folders[0]), new RunFolder(folders[1]), called[0], called[1]);
            if (parse.GetValue(json))
            {
                JsonOutput.Write(result);
                return 0;
            }

            foreach (JsonNode? stage in result["stages"]!.AsArray())
            {
                Console.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{stage!["stage"],-10} {stage["steps"]!.AsArray().Count,5} steps  greatest difference {Percent(stage["greatest_relative_difference"])} at step {stage["greatest_at_step"]}, mean {Percent(stage["mean_relative_difference"])}"));
            }

            return 0;
        });
        return command;
    }

    private static string Percent(JsonNode? share) => share is null ? "not a number" : string.Create(CultureInfo.InvariantCulture, $"{100 * (double)share:0.0###} %");
}
