using System.CommandLine;

namespace Halo.Cli;

/// <summary>Puts examples at the end of a command's help text.</summary>
internal static class Examples
{
    /// <summary>Adds example lines to the command's description.</summary>
    public static TCommand WithExamples<TCommand>(this TCommand command, params string[] lines)
        where TCommand : Command
    {
        command.Description += "\n\nExamples:\n" + string.Join('\n', lines.Select(line => "  " + line));
        return command;
    }
}
