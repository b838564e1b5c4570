using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Reporting;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Cli.Commands;

/// <summary><c>halo bench inference MODEL</c>.</summary>
internal static class InferenceBenchCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder." };
        var against = new Option<string?>("--against") { Description = "Second model folder, to compare with: the teacher, for example." };
        var contexts = new Option<string>("--contexts") { Description = "Prompt lengths in tokens.", DefaultValueFactory = _ => "1k,4k,16k" };
        var batch = new Option<int>("--batch") { Description = "Sequences at once.", DefaultValueFactory = _ => 1 };
        var tokens = new Option<int>("--new-tokens") { Description = "Tokens written after each prompt, at least 2.", DefaultValueFactory = _ => 32 };
        var random = new Option<bool>("--random-weights") { Description = "Needs no weights in the folders, config.json alone: times do not depend on them." };
        var inOrder = new Option<bool>("--no-read-ahead") { Description = "On a GPU: launch a step only when the host has seen the tokens that it reads, as halo generate and halo chat do, whose texts may end at any token." };
        var plots = new Option<string?>("--plots") { Description = "Folder for pictures (PNG and SVG) and the records that they were drawn from." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var weights = CommonOptions.Weights();
        var cache = CommonOptions.Cache();
        var runner = CommonOptions.Runner();
        var json = CommonOptions.Json();
        var command = new Command("inference", "Measures time to read a prompt, time a token and memory by context length, for one model or two, and the shares of this machine's bandwidth and matrix rate that were reached.")
        {
            model, against, contexts, batch, tokens, random, inOrder, plots, device, type, weights, cache, runner, json,
        }.WithExamples(
            "halo bench inference models/hypenet-nano --against models/qwen3-nano --contexts 1k,4k,16k --plots plots",
            "halo bench inference HypeNet-2B --against Qwen3-1.7B --random-weights --contexts 8k,32k,128k,512k --device cuda --json");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            int[] lengths = [.. LengthList.Parse(parse.GetValue(contexts)!).Distinct().Order()];
            if (parse.GetValue(batch) < 1 || parse.GetValue(tokens) < 2)
            {
                throw new HaloException("at least one sequence and two new tokens are needed", "--batch, --new-tokens", "give greater numbers");
            }

            torch.Device target = LibTorch.Device(parse.GetRequiredValue(device));
            torch.ScalarType computed = CommonOptions.ResolveType(parse.GetValue(type), target);
            string[] folders = [.. new[] { parse.GetRequiredValue(model), parse.GetValue(against) }.OfType<string>()];
            MachineRates rates = MachineRates.Measure(target, computed);
            var settings = new JsonObject { ["device"] = target.ToString(), ["dtype"] = TypeName(computed), ["batch"] = parse.GetValue(batch), ["new_tokens"] = parse.GetValue(tokens), ["weights"] = parse.GetValue(weights), ["cache"] = parse.GetValue(cache), ["reads_ahead"] = target.type == DeviceType.CUDA && !parse.GetValue(inOrder) };
            var table = new InferenceTable(settings, rates);
            foreach ((string name, string folder) in Names(folders).Zip(folders))
            {
                ModelConfiguration configuration = ModelConfiguration.Load(folder);
                using CausalLm loaded = parse.GetValue(random) ? Random(configuration, target, computed) : CausalLm.Load(folder, target, computed);
                loaded.CacheFormat = CommonOptions.ParseCache(parse.GetValue(cache));
                using var engine = new InferenceEngine(loaded, runner: parse.GetRequiredValue(runner), weights: CommonOptions.ParseWeights(parse.GetValue(weights))) { ReadsAhead = !parse.GetValue(inOrder) };
                var benchmark = new InferenceBenchmark(engine) { NewTokens = parse.GetValue(tokens) };
                foreach (int length in lengths)
                {
                    try
                    {
                        table.Add(name, engine, benchmark.Measure(length, parse.GetValue(batch), cancellation));
                    }
                    catch (HaloException refusal)
                    {
                        table.Refuse(name, length, refusal.What);
                    }

                    if (!parse.GetValue(json))
                    {
                        table.PrintLast(Console.Out);
                    }
                }
            }

            if (parse.GetValue(plots) is { } pictures)
            {
                InferencePlots.Write(pictures, table.Records);
                AtomicFile.WriteAllText(Path.Combine(pictures, "inference.json"), table.ToJson().ToJsonString(HaloJson.Indented) + "\n");
            }

            if (parse.GetValue(json))
            {
                JsonOutput.Write(table.ToJson());
            }
            else
            {
                table.PrintSpeedUps(Console.Out);
            }

            return 0;
        });
        return command;
    }

    // Made where they are used: on the host, billions of random numbers take a minute.
    private static CausalLm Random(ModelConfiguration configuration, torch.Device device, torch.ScalarType type) => CausalLm.Of(configuration, device, type, (_, shape) =>
    {
        using IDisposable constant = torch.no_grad();
        torch.Tensor value = torch.empty([.. shape], type, device);
        return shape.Count == 1 ? value.fill_(1) : value.normal_(0, 0.02);
    });

    private static string TypeName(torch.ScalarType type) => type.ToString().ToLower(CultureInfo.InvariantCulture);

    // The folder's own name, or with its parent where both are named alike.
    private static string[] Names(string[] folders)
    {
        string[] paths = [.. folders.Select(folder => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))];
        string[] names = [.. paths.Select(path => Path.GetFileName(path))];
        return names.Distinct().Count() == names.Length ? names : [.. paths.Select((path, place) => $"{Path.GetFileName(Path.GetDirectoryName(path))}/{names[place]}" + (place > 0 && paths[0] == path ? " again" : ""))];
    }
}
