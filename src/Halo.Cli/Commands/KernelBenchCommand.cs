using System.CommandLine;
using System.Text.Json.Nodes;
using Halo.Conversion.Measurement;
using Halo.Core;
using Halo.Inference;
using Halo.Kernels.Cuda;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Cli.Commands;

/// <summary><c>halo bench kernels</c>.</summary>
internal static class KernelBenchCommand
{
    private const long Vocabulary = 151936;

    public static Command Create()
    {
        var small = new Option<bool>("--small") { Description = "Small inputs, to try the command on a CPU." };
        var only = new Option<string?>("--only") { Description = "Part of a kernel's name: measures these alone." };
        var output = new Option<string?>("--out") { Description = "File for the result as JSON." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("kernels", "Measures every kernel of training against the least time that its bytes take on this machine, and against plain tensor operations.")
        {
            small, only, output, device, type, json,
        }.WithExamples("halo bench kernels --small", "halo bench kernels --device cuda --out kernels.json");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            LibTorch.Initialize();
            torch.Device target = LibTorch.Device(parse.GetRequiredValue(device));
            torch.ScalarType computed = CommonOptions.ResolveType(parse.GetValue(type), target);
            MachineRates rates = MachineRates.Measure(target, computed);
            var benchmark = new KernelBenchmark(target, rates);
            bool toy = parse.GetValue(small);
            var catalogue = new KernelCatalogue(toy ? 32 : 6144, target, computed);
            IEnumerable<Func<KernelCase>> cases =
            [
                .. catalogue.Layer(),
                .. toy ? catalogue.Step(4, 512, 1 << 16) : catalogue.Step(4096, Vocabulary, 1 << 28),
                .. toy ? catalogue.Step(4, 256, 1 << 16).Take(2) : catalogue.Step(32768, 8192, 1 << 23),
                .. (toy ? new long[] { 200 } : [65536, 524288]).Select(length => catalogue.LightningAttention(1, length, false)),
                .. (toy ? new (long, long)[] { (2, 130) } : [(12, 512), (1, 16384)]).Select(shape => catalogue.LightningAttention(shape.Item1, shape.Item2, true)),
            ];
            string? wanted = parse.GetValue(only);
            var timings = new JsonArray();
            if (CudaKernels.WhyNot is { } reason)
            {
                Console.Error.WriteLine($"kernels are not used: {reason}");
            }

            foreach (Func<KernelCase> one in cases)
            {
                cancellation.ThrowIfCancellationRequested();
                if (wanted is not null && !Matches(one, wanted))
                {
                    continue;
                }

                KernelTiming timing = benchmark.Measure(one);
                timings.Add(timing.ToJson());
                if (!parse.GetValue(json))
                {
                    Console.Out.WriteLine(timing.ToText());
                }
            }

            var result = new JsonObject
            {
                ["device"] = target.ToString(), ["dtype"] = computed.ToString(), ["kernels_used"] = CudaKernels.WhyNot is null,
                ["machine"] = new JsonObject { ["teraflops"] = rates.OperationsPerSecond / 1e12, ["gigabytes_per_second"] = rates.BytesPerSecond / 1e9 },
                ["kernels"] = timings,
            };
            if (parse.GetValue(output) is { } path)
            {
                AtomicFile.WriteAllText(path, result.ToJsonString(HaloJson.Indented) + "\n");
            }

            if (parse.GetValue(json))
            {
                JsonOutput.Write(result);
            }

            return 0;
        });
        return command;
    }

    private static bool Matches(Func<KernelCase> make, string wanted)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        return make().Name.Contains(wanted, StringComparison.OrdinalIgnoreCase);
    }
}
