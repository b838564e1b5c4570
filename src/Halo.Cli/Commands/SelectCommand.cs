using System.CommandLine;
using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Core;

namespace Halo.Cli.Commands;

/// <summary><c>halo select RUN|SCORES.json</c>.</summary>
internal static class SelectCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("RUN|SCORES.json") { Description = "A run that has swept its layers, or a file of per-layer scores." };
        var method = new Option<string>("--method") { Description = $"One of {string.Join(", ", SelectionMethods.Names)}.", DefaultValueFactory = _ => "halo" };
        var top = new Option<int?>("--top") { Description = "Attention layers kept (default: a quarter of the layers, rounded down)." };
        var layers = new Option<int[]>("--layers") { Description = "The layers of method list.", AllowMultipleArgumentsPerToken = true };
        var epsilon = new Option<double>("--epsilon") { Description = "eps of the score of method halo.", DefaultValueFactory = _ => 1e-6 };
        var ends = new Option<bool>("--keep-first-and-last") { Description = "Always keep the first and the last layer." };
        var json = CommonOptions.Json();
        var command = new Command("select", "Chooses the layers that stay attention, from the scores of a sweep.") { source, method, top, layers, epsilon, ends, json }
            .WithExamples("halo select runs/qwen3-1.7b --method kl", "halo select scores.json --method halo --top 7 --json");
        CommandRunner.Handle(command, (parse, _) =>
        {
            string path = parse.GetRequiredValue(source);
            var specification = new SelectionSpecification
            {
                Method = parse.GetRequiredValue(method), Top = parse.GetValue(top), Epsilon = parse.GetValue(epsilon),
                KeepFirstAndLast = parse.GetValue(ends), Layers = parse.GetValue(layers) is { Length: > 0 } list ? list : null,
            };
            if (specification.Top is < 1 || !(specification.Epsilon > 0))
            {
                throw new HaloException("--top and --epsilon must be positive", "halo select", "give positive numbers");
            }

            LayerScores scores = LayerScores.Load(Directory.Exists(path) ? new RunFolder(path).Selection : path);
            SelectionResult result = SelectionMethods.Choose(specification, scores.Count, scores);
            if (parse.GetValue(json))
            {
                JsonOutput.Write(result.ToJson());
            }
            else
            {
                Console.Out.WriteLine(string.Join(' ', result.Layers));
            }

            return 0;
        });
        return command;
    }
}
