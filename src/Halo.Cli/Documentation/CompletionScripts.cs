using System.CommandLine;
using System.Text;

namespace Halo.Cli.Documentation;

/// <summary>Completion scripts that need no further process at a key press: commands, options and known values; files wherever else.</summary>
internal static class CompletionScripts
{
    private const string Function = "_halo_complete";

    /// <summary>For bash.</summary>
    public static string Bash(RootCommand root)
    {
        var script = new StringBuilder();
        Command[] commands = [.. CommandTree.Visible(root)];
        script.Append($"{Function}() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}\n  local options values=\n  COMPREPLY=()\n");
        script.Append($"  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W \"{Names(root)} --help --version\" -- \"$word\"))\n    return\n  fi\n");
        foreach (Command group in CommandTree.Words(root).Where(command => command.Subcommands.Count > 0))
        {
            script.Append($"  if [ \"$command\" = {group.Name} ]; then\n    command=\"$command ${{COMP_WORDS[2]}}\"\n    if [ \"$COMP_CWORD\" -eq 2 ]; then\n      COMPREPLY=($(compgen -W \"{Names(group)} --help\" -- \"$word\"))\n      return\n    fi\n  fi\n");
        }

        script.Append("  case $command in\n");
        foreach (Command command in commands)
        {
            script.Append($"    \"{CommandTree.Name(command)}\")\n      options=\"{string.Join(' ', CommandTree.Options(command).Select(option => option.Name).Append("--help").Distinct())}\"\n      case $before in\n");
            foreach (Option option in CommandTree.Options(command).Where(option => !CommandTree.IsSwitch(option)))
            {
                // An option whose values are not known takes a file name or a text: nothing is offered, so that the shell offers files.
                script.Append($"        {option.Name}) values=\"{Join(CommandTree.Values(option))}\"; options= ;;\n");
            }

            script.Append($"        *) values=\"{Join(command.Arguments.SelectMany(argument => argument.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty)).Select(item => item.Label))}\" ;;\n");
            script.Append("      esac ;;\n");
        }

        script.Append("    *) return ;;\n  esac\n");
        script.Append("  case $word in\n    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n    *) COMPREPLY=($(compgen -W \"$values\" -- \"$word\")) ;;\n  esac\n}\n");
        script.Append($"complete -o default -F {Function} halo ./halo\n");
        return script.ToString();
    }

    /// <summary>For zsh, whose bashcompinit runs bash's functions.</summary>
    public static string Zsh(RootCommand root) =>
        "autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n" + Bash(root);

    /// <summary>For fish.</summary>
    public static string Fish(RootCommand root)
    {
        var script = new StringBuilder();
        foreach (Command group in CommandTree.Words(root).Where(command => command.Subcommands.Count > 0))
        {
            script.Append($"complete -c halo -n __fish_use_subcommand -f -a {group.Name} -d {Quote(CommandTree.Description(group).Text)}\n");
            script.Append($"complete -c halo -n '__fish_seen_subcommand_from {group.Name}' -f -a {Quote(Names(group))}\n");
        }

        foreach (Command command in CommandTree.Visible(root))
        {
            if (CommandTree.Words(root).Contains(command))
            {
                script.Append($"complete -c halo -n __fish_use_subcommand -f -a {command.Name} -d {Quote(CommandTree.Description(command).Text)}\n");
            }

            foreach (Option option in CommandTree.Options(command))
            {
                string[] values = CommandTree.Values(option);
                string takes = CommandTree.IsSwitch(option) ? "" : values.Length > 0 ? $" -x -a {Quote(Join(values))}" : " -r";
                script.Append($"complete -c halo -n '__fish_seen_subcommand_from {command.Name}' -l {option.Name.TrimStart('-')}{takes} -d {Quote(option.Description ?? "")}\n");
            }
        }

        return script.ToString();
    }

    private static string Names(Command root) => Join(CommandTree.Words(root).Select(command => command.Name));

    private static string Join(IEnumerable<string> values) => string.Join(' ', values);

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).ReplaceLineEndings(" ")}'";
}
