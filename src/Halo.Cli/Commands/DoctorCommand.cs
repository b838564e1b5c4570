using System.CommandLine;
using Halo.Cli.Doctor;

namespace Halo.Cli.Commands;

/// <summary><c>halo doctor</c>.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("doctor", "Tells what this machine has for Halo, where it lies, what is missing and how to get it. The exit code is 0 if the CPU can be used.") { json }
            .WithExamples("halo doctor", "HALO_LIBTORCH=/path/to/torch/lib halo doctor --json");
        CommandRunner.Handle(command, (parse, _) =>
        {
            Finding[] findings = [.. Examination.Run()];
            bool usable = findings.Single(finding => finding.Name == "cpu").State == Finding.Ok;
            bool card = findings.Single(finding => finding.Name == "gpu").State == Finding.Ok;
            if (parse.GetValue(json))
            {
                JsonOutput.Write(new { cpu = usable, gpu = card, findings });
            }
            else
            {
                Print(findings);
                Console.Out.WriteLine(usable ? $"\nHalo works here on the CPU{(card ? " and on the GPU" : "")}." : "\nHalo does not work here yet.");
            }

            return usable ? 0 : 1;
        });
        return command;
    }

    private static void Print(Finding[] findings)
    {
        int width = findings.Max(finding => finding.Name.Length);
        string indent = new(' ', 9 + width);
        foreach (Finding finding in findings)
        {
            Console.Out.WriteLine($"{finding.State,-6}  {finding.Name.PadRight(width)} {finding.Value}");
            foreach (string line in new[] { finding.Where, finding.Remedy is null ? null : "do: " + finding.Remedy }.OfType<string>())
            {
                Console.Out.WriteLine(indent + line);
            }
        }
    }
}
