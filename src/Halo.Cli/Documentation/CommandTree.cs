using System.CommandLine;
using System.CommandLine.Completions;

namespace Halo.Cli.Documentation;

/// <summary>What the documentation and the completion scripts say about commands, read from the commands themselves.</summary>
internal static class CommandTree
{
    /// <summary>Commands that users see, in the order of the help text: of a group its members.</summary>
    public static IEnumerable<Command> Visible(Command root) => Words(root).SelectMany(command => command.Subcommands.Count > 0 ? Visible(command) : [command]);

    /// <summary>What may stand behind halo, or behind the name of a group.</summary>
    public static IEnumerable<Command> Words(Command root) => root.Subcommands.Where(command => !command.Hidden);

    /// <summary>The whole name: that of its group before its own.</summary>
    public static string Name(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault(parent => parent is not RootCommand) is { } group ? $"{Name(group)} {command.Name}" : command.Name;

    /// <summary>Options that users see.</summary>
    public static IEnumerable<Option> Options(Command command) => command.Options.Where(option => !option.Hidden);

    /// <summary>The description's first paragraphs, and its example lines.</summary>
    public static (string Text, string[] Examples) Description(Command command)
    {
        string[] parts = (command.Description ?? "").Split("\n\nExamples:\n");
        return (parts[0], parts.Length > 1 ? [.. parts[1].Split('\n').Select(line => line.Trim())] : []);
    }

    /// <summary><c>halo COMMAND ARGUMENTS [OPTIONS]</c>.</summary>
    public static string Usage(Command command)
    {
        IEnumerable<string> arguments = command.Arguments.Where(argument => !argument.Hidden).Select(Shown);
        IEnumerable<string> required = Options(command).Where(option => option.Required).Select(option => $"{option.Name} {Value(option)}");
        string[] rest = Options(command).Any(option => !option.Required) ? ["[OPTIONS]"] : [];
        return string.Join(' ', ["halo", Name(command), .. arguments, .. required, .. rest]);
    }

    /// <summary>The argument as it stands in the usage line.</summary>
    public static string Shown(Argument argument)
    {
        string name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "..." : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    /// <summary>What stands behind the option: nothing for a switch, else the kind of value.</summary>
    public static string Value(Option option) => IsSwitch(option) ? "" : option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant();

    /// <summary>The default, or null where there is none worth telling.</summary>
    public static string? Default(Option option)
    {
        object? value = option.HasDefaultValue && !IsSwitch(option) ? option.GetDefaultValue() : null;
        string? text = value is System.Collections.IEnumerable list and not string
            ? string.Join(',', list.Cast<object>())
            : Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture);
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>Values that the option is known to take; empty where any text or file may stand.</summary>
    public static string[] Values(Option option) =>
        IsSwitch(option) ? [] : [.. option.GetCompletions(CompletionContext.Empty).Select(item => item.Label)];

    /// <summary>Whether the option takes no value.</summary>
    public static bool IsSwitch(Option option) => option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0;
}
