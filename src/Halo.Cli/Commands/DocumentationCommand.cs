using System.CommandLine;
using Halo.Cli.Documentation;
using Halo.Core;

namespace Halo.Cli.Commands;

/// <summary><c>halo documentation DIR</c>, hidden: writes the pages of docs/commands and the man page anew.</summary>
internal static class DocumentationCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "The folder docs of a checkout." };
        var command = new Command("documentation", "Writes the pages of all commands anew.") { folder };
        command.Hidden = true;
        CommandRunner.Handle(command, (parse, _) =>
        {
            string target = parse.GetRequiredValue(folder);
            RootCommand root = CommandLineProgram.Root();
            foreach ((string name, string text) in CommandPages.All(root))
            {
                AtomicFile.WriteAllText(Path.Combine(target, "commands", name), text);
            }

            AtomicFile.WriteAllText(Path.Combine(target, "man", "halo.1"), ManPage.Write(root));
            return 0;
        });
        return command;
    }
}
