using System.CommandLine;
using Halo.Conversion;
using Halo.Conversion.Recipes;

namespace Halo.Cli.Commands;

/// <summary><c>halo demo</c>.</summary>
internal static class DemoCommand
{
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
            return ConvertCommand.Run(
                new PipelineRequest
                {
                    Recipe = recipe, Teacher = HaloHome.Path("models/qwen3-nano"), Data = [HaloHome.Path("data/demo")],
                    Run = parse.GetRequiredValue(output), Device = target, ComputeType = computed, DefaultHaystack = HaloHome.Path("data/haystack"),
                    Beside = new Dictionary<string, string> { ["hypenet-nano"] = HaloHome.Path("models/hypenet-nano") },
                },
                parse.GetValue(json),
                cancellation);
        });
        return command;
    }
}
