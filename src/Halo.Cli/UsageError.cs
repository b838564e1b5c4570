using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Halo.Core;

namespace Halo.Cli;

/// <summary>A command line that cannot be understood, told as every other error is: System.CommandLine would print the whole help on stdout.</summary>
internal static class UsageError
{
    /// <summary>The error of a command line; null where it has none, or stops before a command, where the list of commands is the better answer.</summary>
    public static HaloException? Of(ParseResult parse)
    {
        if (parse.Action is not ParseErrorAction || parse.CommandResult.Command.Subcommands.Count > 0)
        {
            return null;
        }

        string command = Name(parse.CommandResult);
        return new HaloException(string.Join("; ", parse.Errors.Select(error => Plain(error.Message))), command, $"{command} --help shows its arguments and options");
    }

    // The name of a .NET type helps nobody.
    private static string Plain(string message) => Regex.Replace(message, " as expected type '[^']*'", "").Trim().TrimEnd('.');

    private static string Name(CommandResult command) => command.Parent is CommandResult parent ? $"{Name(parent)} {command.Command.Name}" : "halo";
}
