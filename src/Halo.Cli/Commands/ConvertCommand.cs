using System.CommandLine;
using System.Text.Json.Nodes;
using Halo.Conversion;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Reporting;

namespace Halo.Cli.Commands;

/// <summary><c>halo convert RECIPE|RUN</c>.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("RECIPE|RUN") { Description = "Recipe file, name of one in recipes/, or the folder of a run to continue." };
        var teacher = new Option<string?>("--teacher") { Description = "Folder of the teacher." };
        var data = new Option<string[]>("--data") { Description = "Text: parquet, jsonl or text files, or folders of them.", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string?>("--out") { Description = "The run's folder." };
        var set = new Option<string[]>("--set") { Description = "Overrides a value of the recipe: --set stage2.steps=100." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Validate, estimate, stop." };
        var from = new Option<string?>("--from") { Description = $"First stage: {string.Join(", ", Stages.All)}." };
        var until = new Option<string?>("--until") { Description = "Last stage." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("convert", "Turns a Transformer into a HypeNet by HALO, measures it and writes a report. SIGTERM writes a checkpoint; the same command, or halo convert RUN, continues.") { recipe, teacher, data, output, set, dryRun, from, until, device, type, json }
            .WithExamples("halo convert qwen3-1.7b --teacher Qwen3-1.7B --data fineweb-edu/ --out runs/qwen3-1.7b --device cuda", "halo convert runs/qwen3-1.7b --device cuda", "halo convert nano --teacher models/qwen3-nano --data books/ --out runs/nano --set stage2.steps=100 --dry-run");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            string first = parse.GetRequiredValue(recipe);
            bool continues = File.Exists(new RunFolder(first).Recipe);
            PipelineRequest request = continues
                ? Continue(first, parse.GetValue(set) ?? [])
                : Begin(first, parse.GetValue(set) ?? [], parse.GetValue(teacher), parse.GetValue(data) ?? [], parse.GetValue(output));
            if (parse.GetValue(dryRun))
            {
                Estimate estimate = Estimate.Of(request.Recipe, ModelConfiguration.Load(request.Teacher), parse.GetRequiredValue(device));
                if (parse.GetValue(json))
                {
                    JsonOutput.Write(estimate.ToJson());
                }
                else
                {
                    Console.Out.WriteLine(estimate.ToText());
                }

                return 0;
            }

            (TorchSharp.torch.Device target, TorchSharp.torch.ScalarType computed) = RunOptions.Resolve(parse.GetRequiredValue(device), parse.GetValue(type));
            return Run(request with { Device = target, ComputeType = computed, From = parse.GetValue(from), Until = parse.GetValue(until) }, [], parse.GetValue(json), cancellation);
        });
        return command;
    }

    /// <summary>Runs a conversion and, when it came to its end, writes the report.</summary>
    public static int Run(PipelineRequest request, IReadOnlyList<ResultRecord> extra, bool json, CancellationToken cancellation)
    {
        PipelineResult result = Pipeline.Run(request, new ConsoleRunLog(), cancellation);
        if (!result.Completed)
        {
            return CommandRunner.Interrupted;
        }

        var run = new RunFolder(request.Run);
        string report = ReportBuilder.Build(run, extra, request.Recipe.Name);
        if (json)
        {
            JsonOutput.Write(new JsonObject { ["run"] = run.Root, ["model"] = run.Model, ["results"] = run.Results, ["report"] = report, ["stage"] = result.Stage });
        }
        else
        {
            Console.Out.WriteLine($"model:  {run.Model}\nreport: {report}");
        }

        return 0;
    }

    private static PipelineRequest Begin(string recipe, string[] overrides, string? teacher, string[] data, string? output) => new()
    {
        Recipe = RecipeReader.Load(RecipePath.Find(recipe), overrides),
        Teacher = teacher ?? throw new HaloException("no teacher was given", "--teacher", "give the folder of a Qwen3 model"),
        Data = data,
        Run = output ?? throw new HaloException("no run folder was given", "--out", "give the folder that the run shall write"),
        Device = null!,
        ComputeType = default,
        DefaultHaystack = HaloHome.TryPath("data/haystack"),
    };

    private static PipelineRequest Continue(string run, string[] overrides)
    {
        if (overrides.Length > 0)
        {
            throw new HaloException("--set cannot change a run that has begun", "--set", "start another run with --out");
        }

        (Recipe recipe, JsonObject started) = RunRecipe.Open(run);
        return new PipelineRequest
        {
            Recipe = recipe,
            Teacher = started["teacher"]?.GetValue<string>() ?? throw new HaloException("the run is no conversion", run, "continue it with the command that began it"),
            Data = [.. started["data"]!.AsArray().Select(path => path!.GetValue<string>())],
            Run = run,
            Device = null!,
            ComputeType = default,
            DefaultHaystack = HaloHome.TryPath("data/haystack"),
        };
    }
}
