using System.CommandLine;
using Halo.Core;
using Halo.Reporting;

namespace Halo.Cli.Commands;

/// <summary><c>halo report RUN</c>.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "Folder of a run." };
        var command = new Command("report", "Writes report.html and its pictures from the results of a run.") { run }
            .WithExamples("halo report runs/qwen3-1.7b");
        CommandRunner.Handle(command, (parse, _) =>
        {
            string folder = parse.GetRequiredValue(run);
            if (!Directory.Exists(folder))
            {
                throw new HaloException("there is no such run folder", folder, "give the folder that halo convert --out wrote");
            }

            Console.Out.WriteLine(ReportBuilder.Build(new RunFolder(folder)));
            return 0;
        });
        return command;
    }
}
