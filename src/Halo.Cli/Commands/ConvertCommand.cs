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
        var ignoreMemory = CommonOptions.IgnoreMemory();
        var json = CommonOptions.Json();
        var command = new Command("convert", "Turns a Transformer into a HypeNet by HALO, measures it and writes a report. SIGTERM writes a checkpoint; the same command, or halo convert RUN, continues.") { recipe, teacher, data, output, set, dryRun, from, until, device, type, ignoreMemory, json }
            .WithExamples("halo convert qwen3-1.7b --teacher Qwen3-1.7B --data fineweb-edu/ --out runs/qwen3-1.7b --device cuda", "halo convert runs/qwen3-1.7b --device cuda", "halo convert nano --teacher models/qwen3-nano --data books/ --out runs/nano --set stage2.steps=100 --dry-run");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            string first = parse.GetRequiredValue(recipe);
            bool continues = File.Exists(new RunFolder(first).Recipe);
            (Recipe loaded, string teacherFolder, IReadOnlyList<string> text, string run) = continues
                ? Continue(first, parse.GetValue(set) ?? [], parse.GetValue(teacher), parse.GetValue(data) ?? [], parse.GetValue(output))
                : Begin(first, parse.GetValue(set) ?? [], parse.GetValue(teacher), parse.GetValue(data) ?? [], parse.GetValue(output));
            if (parse.GetValue(dryRun))
            {
                Estimate estimate = Estimate.Of(loaded, ModelConfiguration.Load(teacherFolder), parse.GetRequiredValue(device));
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
            var request = new PipelineRequest
            {
                Recipe = loaded, Teacher = teacherFolder, Data = text, Run = run, Device = target, ComputeType = computed,
                From = parse.GetValue(from), Until = parse.GetValue(until), IgnoreMemory = parse.GetValue(ignoreMemory), DefaultHaystack = HaloHome.TryPath("data/haystack"),
            };
            return Run(request, parse.GetValue(json), cancellation);
        });
        return command;
    }

    /// <summary>Runs a conversion and writes the report of what there is.</summary>
    public static int Run(PipelineRequest request, bool json, CancellationToken cancellation)
    {
        PipelineResult result = Pipeline.Run(request, new ConsoleRunLog(), cancellation);
        if (!result.Completed)
        {
            return CommandRunner.Interrupted;
        }

        var run = new RunFolder(request.Run);
        string report = ReportBuilder.Build(run, request.Recipe.Name);
        string? model = File.Exists(Path.Combine(run.Model, "config.json")) ? run.Model : null;
        if (json)
        {
            JsonOutput.Write(new JsonObject { ["run"] = run.Root, ["stage"] = result.Stage, ["model"] = model, ["results"] = File.Exists(run.Results) ? run.Results : null, ["report"] = report });
        }
        else
        {
            Console.Out.WriteLine($"{(model is null ? $"stage:  {result.Stage}" : $"model:  {model}")}\nreport: {report}");
        }

        return 0;
    }

    private static (Recipe Recipe, string Teacher, IReadOnlyList<string> Data, string Run) Begin(string recipe, string[] overrides, string? teacher, string[] data, string? output) =>
        (RecipeReader.Load(RecipePath.Find(recipe), overrides),
            teacher ?? throw new HaloException("no teacher was given", "--teacher", "give the folder of the model to convert"),
            data,
            output ?? throw new HaloException("no run folder was given", "--out", "give the folder that the run shall write"));

    // Teacher and data may have moved since; that they are the same is checked by what they hold.
    private static (Recipe Recipe, string Teacher, IReadOnlyList<string> Data, string Run) Continue(string run, string[] overrides, string? teacher, string[] data, string? output)
    {
        if (overrides.Length > 0 || output is not null)
        {
            throw new HaloException($"{(output is null ? "--set" : "--out")} cannot change a run that has begun", output is null ? "--set" : "--out", "give a recipe, not a run, to start another");
        }

        (Recipe recipe, JsonObject started) = RunRecipe.Open(run);
        return (recipe,
            teacher ?? (started["teacher"] as JsonValue)?.ToString() ?? throw new HaloException("the run is no conversion", run, "continue it with the command that began it"),
            data.Length > 0 ? data : [.. (started["data"] as JsonArray ?? []).Select(path => path!.ToString())],
            run);
    }
}
