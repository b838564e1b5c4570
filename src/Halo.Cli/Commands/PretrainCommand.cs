using System.CommandLine;
using Halo.Conversion;
using Halo.Conversion.Recipes;
using Halo.Core;

namespace Halo.Cli.Commands;

/// <summary><c>halo pretrain RECIPE --out RUN</c>.</summary>
internal static class PretrainCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("RECIPE") { Description = "Recipe file, or name of one in recipes/." };
        var data = new Option<string[]>("--data") { Description = "Text for sources without a path.", AllowMultipleArgumentsPerToken = true };
        var output = new Option<string>("--out") { Description = "The run's folder.", Required = true };
        var set = new Option<string[]>("--set") { Description = "Overrides a value of the recipe." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var ignoreMemory = CommonOptions.IgnoreMemory();
        var command = new Command("pretrain", "Trains a Qwen3-type model from scratch, or continues to.") { recipe, data, output, set, device, type, ignoreMemory }
            .WithExamples("halo pretrain nano-teacher --data books/ --out runs/teacher --device cuda");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            Recipe loaded = RecipeReader.Load(RecipePath.Find(parse.GetRequiredValue(recipe)), parse.GetValue(set) ?? []);
            string tokenizer = loaded.Tokenizer ?? throw new HaloException("the recipe names no tokenizer", "tokenizer", "name the folder of one");
            (TorchSharp.torch.Device target, TorchSharp.torch.ScalarType computed) = RunOptions.Resolve(parse.GetRequiredValue(device), parse.GetValue(type));
            string folder = parse.GetRequiredValue(output);
            PipelineResult result = Pretraining.Run(loaded, Directory.Exists(tokenizer) ? tokenizer : HaloHome.Path(tokenizer), parse.GetValue(data) ?? [], folder, target, computed, new ConsoleRunLog(), cancellation, parse.GetValue(ignoreMemory));
            if (!result.Completed)
            {
                return CommandRunner.Interrupted;
            }

            Console.Out.WriteLine(new RunFolder(folder).Model);
            return 0;
        });
        return command;
    }
}
