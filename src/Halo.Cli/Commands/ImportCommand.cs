using System.CommandLine;
using System.Text.Json.Nodes;
using Halo.Importing;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Cli.Commands;

/// <summary><c>halo import FILE|DIR --out DIR</c>.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("FILE|DIR") { Description = "A GGUF file or a llama2.c checkpoint, or the folder that holds one." };
        var output = new Option<string>("--out") { Description = "Folder to write, new or empty.", Required = true };
        var type = CommonOptions.Type();
        type.Description = "Type of the weights: float32, bfloat16 or float16 (default: the file's own, float32 where it is quantised).";
        var json = CommonOptions.Json();
        var command = new Command("import", "Turns a GGUF or llama2.c file (Llama, Qwen2, Qwen3) into a complete Hugging Face folder. A tokenizer.json beside the file is taken over; otherwise the file's own tokenizer becomes one.") { source, output, type, json }
            .WithExamples("halo import smollm2-135m-q4_1.gguf --out models/smollm2-135m", "halo import stories260K.bin --out stories --dtype bfloat16");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            LibTorch.Initialize();
            string target = parse.GetRequiredValue(output);
            TorchSharp.torch.ScalarType? written = parse.GetValue(type) is { } name ? LibTorch.ParseType(name, "--dtype") : null;
            ModelConfiguration configuration = ModelImport.Run(parse.GetRequiredValue(source), target, written, cancellation);
            if (parse.GetValue(json))
            {
                JsonOutput.Write(new JsonObject { ["model"] = target, ["model_type"] = configuration.ModelType, ["parameters"] = CausalLm.ParameterCount(configuration), ["dtype"] = configuration.Extra["dtype"]?.ToString() });
            }
            else
            {
                Console.Out.WriteLine(target);
            }

            return 0;
        });
        return command;
    }
}
