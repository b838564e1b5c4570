using System.CommandLine;
using Halo.Conversion;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Text;

namespace Halo.Cli.Commands;

/// <summary><c>halo demo</c>.</summary>
internal static class DemoCommand
{
    private const string Shipped = "models/hypenet-nano";

    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "The run's folder.", DefaultValueFactory = _ => "runs/demo" };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("demo", "Converts the shipped small teacher within minutes, measures teacher and student, and writes the report. The shipped hypenet-nano, which took a GPU, is measured beside them.") { output, device, type, json }
            .WithExamples("halo demo");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            (TorchSharp.torch.Device target, TorchSharp.torch.ScalarType computed) = RunOptions.Resolve(parse.GetRequiredValue(device), parse.GetValue(type));
            Recipe recipe = RecipeReader.Load(HaloHome.Path("recipes/demo.json"), []);
            string haystack = HaloHome.Path("data/haystack");
            var request = new PipelineRequest
            {
                Recipe = recipe, Teacher = HaloHome.Path("models/qwen3-nano"), Data = [HaloHome.Path("data/demo")],
                Run = parse.GetRequiredValue(output), Device = target, ComputeType = computed, DefaultHaystack = haystack,
            };
            IReadOnlyList<ResultRecord> extra = HaloHome.TryPath(Shipped) is { } folder && File.Exists(Path.Combine(folder, "config.json"))
                ? MeasureShipped(folder, recipe.Evaluation, haystack, target, computed, cancellation)
                : [];
            return ConvertCommand.Run(request, extra, parse.GetValue(json), cancellation);
        });
        return command;
    }

    private static IReadOnlyList<ResultRecord> MeasureShipped(string folder, EvaluationSpecification settings, string haystack, TorchSharp.torch.Device device, TorchSharp.torch.ScalarType type, CancellationToken cancellation)
    {
        using CausalLm model = CausalLm.Load(folder, device, type);
        return RecipeEvaluation.Measure(settings, haystack, "hypenet-nano", model, HuggingFaceTokenizer.Load(folder), null, new ConsoleRunLog(), cancellation);
    }
}
