using System.CommandLine;
using Halo.Cli.Documentation;
using Halo.Testing;

namespace Halo.Cli.Tests;

/// <summary>docs/commands and the man page are made from the commands.</summary>
public class DocumentationTests
{
    private static readonly string Docs = Path.GetFullPath(Path.Combine(Golden.Folder, "..", "..", "docs"));

    [Fact]
    public void PagesAreUpToDate()
    {
        (string Name, string Text)[] pages = [.. CommandPages.All(CommandLineProgram.Root())];
        foreach ((string name, string text) in pages)
        {
            string path = Path.Combine(Docs, "commands", name);
            Assert.True(File.Exists(path) && File.ReadAllText(path) == text, $"docs/commands/{name} is not what the commands say: run ./halo documentation docs");
        }

        Assert.Equal(pages.Select(page => page.Name).Order(StringComparer.Ordinal), Directory.GetFiles(Path.Combine(Docs, "commands")).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal));
        Assert.True(File.ReadAllText(Path.Combine(Docs, "man", "halo.1")) == ManPage.Write(CommandLineProgram.Root()), "docs/man/halo.1 is not what the commands say: run ./halo documentation docs");
    }

    [Fact]
    public void EveryCommandExplainsItself()
    {
        foreach (Command command in CommandTree.Visible(CommandLineProgram.Root()))
        {
            (string text, string[] examples) = CommandTree.Description(command);
            Assert.True(text.Length > 0 && examples.Length > 0, $"{command.Name} has no description or no example");
            Assert.All(examples, example => Assert.Contains($"halo {CommandTree.Name(command)}", example));
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrEmpty(argument.Description), $"{command.Name} {argument.Name} has no description"));
            Assert.All(command.Options, option => Assert.False(string.IsNullOrEmpty(option.Description), $"{command.Name} {option.Name} has no description"));
        }
    }
}
