using System.Diagnostics;
using Halo.Testing;

namespace Halo.Architecture.Tests;

/// <summary>The C# example of the README is samples/Halo.Example, and it does what it says.</summary>
public class ExampleTests
{
    private const string Recipe = """
        {
          "name": "example",
          "stage1": { "steps": 1, "row_length": 32, "global_batch": 2, "learning_rate": 1e-3, "warmup_steps": 0 },
          "selection": { "method": "even", "top": 3 },
          "stage2": { "steps": 1, "row_length": 32, "global_batch": 2, "learning_rate": 1e-3, "warmup_steps": 0 },
          "stage3": { "steps": 1, "row_length": 32, "global_batch": 2, "learning_rate": 1e-3, "warmup_steps": 0 },
          "scale": { "row_length": 64, "rows": 1 },
          "evaluation": { "tasks": ["perplexity"], "lengths": [64], "perplexity_limit": 1 }
        }
        """;

    private static readonly string Root = Path.GetFullPath(Path.Combine(Golden.Folder, "..", ".."));

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/package.md")]
    public void TheTextShowsTheCompiledExample(string page)
    {
        string example = File.ReadAllText(Path.Combine(Root, "samples", "Halo.Example", "Program.cs"));
        Assert.Contains("```csharp\n" + example + "```\n", File.ReadAllText(Path.Combine(Root, page)));
        Assert.InRange(example.Split('\n').Count(line => line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)), 10, 24);
    }

    [Fact]
    public async Task TheExampleConvertsAndGenerates()
    {
        string folder = Directory.CreateTempSubdirectory("halo-example-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "recipes"));
            Directory.CreateDirectory(Path.Combine(folder, "data", "demo"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "models"), Path.Combine(Root, "models"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "data", "haystack"), Path.Combine(Root, "data", "haystack"));
            File.WriteAllText(Path.Combine(folder, "recipes", "demo.json"), Recipe);
            for (int i = 0; i < 20; i++)
            {
                File.WriteAllText(Path.Combine(folder, "data", "demo", $"{i}.txt"), string.Concat(Enumerable.Repeat($"Page {i} tells of a river and of the stones in it. ", 30)));
            }

            var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "Halo.Example.dll")]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, await error);
            Assert.NotEmpty(output.Trim());
            Assert.True(File.Exists(Path.Combine(folder, "runs", "mine", "model", "modeling_hypenet.py")));
            Assert.NotEmpty(File.ReadAllLines(Path.Combine(folder, "runs", "mine", "results.jsonl")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
