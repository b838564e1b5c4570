using System.CommandLine;
using System.Text;

namespace Halo.Cli.Documentation;

/// <summary>halo.1, one man page of all commands (roff with the man macros).</summary>
internal static class ManPage
{
    /// <summary>The page.</summary>
    public static string Write(RootCommand root)
    {
        var page = new StringBuilder(".TH HALO 1 \"\" \"Halo\" \"User Commands\"\n.SH NAME\nhalo \\- converts Transformers into hybrid linear-attention models and measures them\n");
        page.Append(".SH SYNOPSIS\n.B halo\n.I COMMAND\n[\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n").Append(Line(root.Description ?? "")).Append(".SH COMMANDS\n");
        foreach (Command command in CommandTree.Visible(root))
        {
            (string description, string[] examples) = CommandTree.Description(command);
            page.Append(".SS ").Append(Line(CommandTree.Usage(command))).Append(Line(description));
            foreach (Argument argument in command.Arguments.Where(argument => !argument.Hidden))
            {
                page.Append(".TP\n.I ").Append(Line(argument.Name)).Append(Line(argument.Description ?? ""));
            }

            foreach (Option option in CommandTree.Options(command))
            {
                string usual = CommandTree.Default(option) is { } value ? $" (default: {value})" : "";
                page.Append(".TP\n.B ").Append(Line($"{option.Name} {CommandTree.Value(option)}".TrimEnd())).Append(Line((option.Description ?? "") + usual));
            }

            if (examples.Length > 0)
            {
                page.Append(".PP\n.nf\n").Append(string.Concat(examples.Select(Line))).Append(".fi\n");
            }
        }

        return page.ToString();
    }

    private static string Line(string text)
    {
        string escaped = text.ReplaceLineEndings(" ").Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return (escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" : "") + escaped + "\n";
    }
}
