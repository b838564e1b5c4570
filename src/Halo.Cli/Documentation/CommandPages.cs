using System.CommandLine;
using System.Text;

namespace Halo.Cli.Documentation;

/// <summary>docs/commands: a page a command and a page of all, in Markdown.</summary>
internal static class CommandPages
{
    /// <summary>File names and contents.</summary>
    public static IEnumerable<(string Name, string Text)> All(RootCommand root)
    {
        yield return ("README.md", Index(root));
        foreach (Command command in CommandTree.Visible(root))
        {
            yield return (File(command), Page(command));
        }
    }

    private static string Index(RootCommand root)
    {
        var text = new StringBuilder("# Commands\n\nMade from the commands by `./halo documentation docs`.\n\n| | |\n|---|---|\n");
        foreach (Command command in CommandTree.Visible(root))
        {
            text.Append($"| [halo {CommandTree.Name(command)}]({File(command)}) | {Cell(FirstSentence(CommandTree.Description(command).Text))} |\n");
        }

        return text.ToString();
    }

    private static string Page(Command command)
    {
        (string description, string[] examples) = CommandTree.Description(command);
        var text = new StringBuilder($"# halo {CommandTree.Name(command)}\n\n{description.ReplaceLineEndings("\n")}\n\n```\n{CommandTree.Usage(command)}\n```\n");
        Argument[] arguments = [.. command.Arguments.Where(argument => !argument.Hidden)];
        if (arguments.Length > 0)
        {
            text.Append("\n| argument | |\n|---|---|\n");
            foreach (Argument argument in arguments)
            {
                text.Append($"| `{Cell(CommandTree.Shown(argument))}` | {Cell(argument.Description ?? "")} |\n");
            }
        }

        text.Append("\n| option | | default |\n|---|---|---|\n");
        foreach (Option option in CommandTree.Options(command))
        {
            string value = CommandTree.Value(option);
            string presence = option.Required ? "required" : CommandTree.Default(option) is { } usual ? $"`{Cell(usual)}`" : "";
            text.Append($"| `{option.Name}{(value.Length > 0 ? " " + Cell(value) : "")}` | {Cell(option.Description ?? "")} | {presence} |\n");
        }

        if (examples.Length > 0)
        {
            text.Append($"\n```\n{string.Join('\n', examples)}\n```\n");
        }

        return text.ToString();
    }

    private static string File(Command command) => CommandTree.Name(command).Replace(' ', '-') + ".md";

    private static string FirstSentence(string text)
    {
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? text : text[..(end + 1)];
    }

    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);
}
