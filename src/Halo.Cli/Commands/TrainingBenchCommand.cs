using System.CommandLine;
using Halo.Conversion.Measurement;
using Halo.Core;
using Halo.Inference;
using Halo.Tensors;
using Halo.Training;
using TorchSharp;

namespace Halo.Cli.Commands;

/// <summary><c>halo bench train</c>.</summary>
internal static class TrainingBenchCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = $"Shape of the teacher: {string.Join(", ", TrainingShape.Names)}, or a folder with config.json.", DefaultValueFactory = _ => "nano" };
        var stage = new Option<string>("--stage") { Description = "What is trained: pretrain, 1, 2 or 3.", DefaultValueFactory = _ => "2" };
        stage.AcceptOnlyFromAmong([.. TrainingBenchmark.Stages]);
        var rows = new Option<int>("--rows") { Description = "Rows of an update.", DefaultValueFactory = _ => 12 };
        var micro = new Option<int>("--micro-rows") { Description = "Rows computed at once; 0: all of an update." };
        var length = new Option<int>("--row-length") { Description = "Tokens of a row.", DefaultValueFactory = _ => 512 };
        var steps = new Option<int>("--steps") { Description = "Updates measured, after four that warm up; three more are timed by part. From 100 on, memory after step 10 and after the last is told too.", DefaultValueFactory = _ => 20 };
        var recompute = new Option<string>("--recompute") { Description = "none, or full: keep only the inputs of layers and compute them again backwards.", DefaultValueFactory = _ => "none" };
        recompute.AcceptOnlyFromAmong("none", "full");
        var chunk = new Option<int>("--loss-chunk") { Description = "Tokens whose logits exist at once; with a GPU's kernels at least as many as make 2^28 logits.", DefaultValueFactory = _ => 4096 };
        var rates = new Option<bool>("--no-rates") { Description = "Do not measure the machine's own rates." };
        var output = new Option<string?>("--out") { Description = "File for the result as JSON." };
        var ignoreMemory = CommonOptions.IgnoreMemory();
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("train", "Measures training with random weights and rows: tokens a second, share of this machine's matrix rate, memory beside its estimate, time by part of a step.")
        {
            model, stage, rows, micro, length, steps, recompute, chunk, rates, ignoreMemory, output, device, type, json,
        }.WithExamples("halo bench train --model nano --stage 2 --rows 4 --row-length 128 --steps 3", "halo bench train --model qwen3-1.7b --stage 2 --rows 12 --row-length 512 --device cuda --out stage2.json");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            torch.Device target = LibTorch.Device(parse.GetRequiredValue(device));
            torch.ScalarType computed = CommonOptions.ResolveType(parse.GetValue(type), target);
            var options = new TrainingOptions
            {
                Steps = Math.Max(1, parse.GetValue(steps)), RowLength = parse.GetValue(length), GlobalBatch = parse.GetValue(rows), MicroBatch = parse.GetValue(micro),
                Recompute = parse.GetValue(recompute) == "full", LossChunk = parse.GetValue(chunk), WarmupSteps = 0,
            };
            options.Validate("bench");
            var benchmark = new TrainingBenchmark(TrainingShape.Of(parse.GetRequiredValue(model)), parse.GetRequiredValue(stage), options, target, computed) { IgnoreMemory = parse.GetValue(ignoreMemory) };
            TrainingMeasurement measured = benchmark.Measure(cancellation);
            if (!parse.GetValue(rates))
            {
                measured = measured with { Rates = MachineRates.Measure(target, computed) };
            }

            if (parse.GetValue(output) is { } path)
            {
                AtomicFile.WriteAllText(path, measured.ToJson().ToJsonString(HaloJson.Indented) + "\n");
            }

            if (parse.GetValue(json))
            {
                JsonOutput.Write(measured.ToJson());
            }
            else
            {
                Console.Out.WriteLine(measured.ToText());
            }

            return 0;
        });
        return command;
    }
}
