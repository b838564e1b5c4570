using System.CommandLine;
using System.Globalization;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Cli.Commands;

/// <summary><c>halo verify MODEL GOLDEN</c>.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder." };
        var golden = new Argument<string>("GOLDEN") { Description = "Safetensors file with input_ids (rows, tokens) and logits, all or at 'positions'." };
        var tolerance = new Option<double>("--tolerance") { Description = "Largest absolute difference allowed.", DefaultValueFactory = _ => 1e-4 };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("verify", "Runs a model on recorded ids and compares its logits; exit code 1 when the largest absolute difference is above the tolerance. Computes in float32 unless --dtype says otherwise.") { model, golden, tolerance, device, type, json }
            .WithExamples("halo verify runs/demo/model golden.safetensors --tolerance 1e-3");
        CommandRunner.Handle(command, (parse, _) =>
        {
            double allowed = parse.GetValue(tolerance);
            if (!(allowed >= 0))
            {
                throw new HaloException("the tolerance must not be negative", "--tolerance", "give a number such as 1e-4");
            }

            using var loaded = CausalLm.Load(parse.GetRequiredValue(model), LibTorch.Device(parse.GetRequiredValue(device)), LibTorch.ParseType(parse.GetValue(type) ?? "float32", "--dtype"));
            double difference = ModelVerification.Compare(loaded, parse.GetRequiredValue(golden)).LargestDifference;
            bool passed = difference <= allowed;
            if (parse.GetValue(json))
            {
                JsonOutput.Write(new { largest_absolute_difference = difference, tolerance = allowed, passed });
            }
            else
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"largest absolute difference {difference:G4}, tolerance {allowed:G4}: {(passed ? "equal" : "DIFFERENT")}"));
            }

            return passed ? 0 : 1;
        });
        return command;
    }
}
