using System.CommandLine;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Cli;

/// <summary>Options that many commands share, made anew for each command.</summary>
internal static class CommonOptions
{
    /// <summary><c>--device cpu|cuda[:n]</c>.</summary>
    public static Option<string> Device() => new("--device")
    {
        Description = "Where to compute: cpu, cuda or cuda:n.",
        DefaultValueFactory = _ => "cpu",
        CompletionSources = { "cpu", "cuda" },
    };

    /// <summary><c>--dtype</c>; null means float32 on the CPU and bfloat16 on a GPU.</summary>
    public static Option<string?> Type() => new("--dtype")
    {
        Description = "Number type to compute in: float32, bfloat16 or float16 (default: float32 on the CPU, bfloat16 on a GPU).",
        CompletionSources = { "float32", "bfloat16", "float16" },
    };

    /// <summary><c>--weights</c>: few bits a weight; null for the number type as it is.</summary>
    public static Option<string?> Weights() => new("--weights")
    {
        Description = "Keep matrices in few bits: int8 (one scale a row) or int4 (one scale for 32 neighbours).",
        CompletionSources = { "int8", "int4" },
    };

    /// <summary>What <c>--weights</c> says.</summary>
    /// <exception cref="HaloException">The format is unknown.</exception>
    public static WeightFormat? ParseWeights(string? format) => format is null ? null
        : Enum.TryParse(format, ignoreCase: true, out WeightFormat known) && Enum.IsDefined(known) ? known
        : throw new HaloException($"unknown weight format '{format}'", "--weights", "give int8 or int4");

    /// <summary><c>--cache</c>: how keys and values are kept.</summary>
    public static Option<string?> Cache() => new("--cache")
    {
        Description = "Keep keys and values of attention layers in 8 bits (int8) instead of the number type.",
        CompletionSources = { "full", "int8" },
    };

    /// <summary>What <c>--cache</c> says.</summary>
    /// <exception cref="HaloException">The format is unknown.</exception>
    public static CacheFormat ParseCache(string? format) => format is null ? CacheFormat.Full
        : Enum.TryParse(format, ignoreCase: true, out CacheFormat known) && Enum.IsDefined(known) ? known
        : throw new HaloException($"unknown cache format '{format}'", "--cache", "give full or int8");

    /// <summary>The engine that the options ask for.</summary>
    public static InferenceEngine LoadEngine(string folder, string device, string? type, string runner, string? weights, string? cache)
    {
        torch.Device target = LibTorch.Device(device);
        return InferenceEngine.Load(folder, target, ResolveType(type, target), runner, ParseWeights(weights), ParseCache(cache));
    }

    /// <summary><c>--runner</c>: what computes.</summary>
    public static Option<string> Runner()
    {
        var option = new Option<string>("--runner") { Description = "What computes; auto takes the fastest that can run the model.", DefaultValueFactory = _ => ModelRunners.Automatic };
        option.CompletionSources.Add([.. ModelRunners.Names]);
        return option;
    }

    /// <summary><c>--json</c>: stdout is exactly one JSON value.</summary>
    public static Option<bool> Json() => new("--json")
    {
        Description = "Print the result as one JSON value on stdout.",
    };

    /// <summary><c>--ignore-memory</c> of commands that train.</summary>
    public static Option<bool> IgnoreMemory() => new("--ignore-memory")
    {
        Description = "Start even where a stage is expected to need more memory than the device has free.",
    };

    /// <summary><c>--seed</c>.</summary>
    public static Option<long> Seed() => new("--seed")
    {
        Description = "Seed of everything random.",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>The number type to compute in on a device.</summary>
    public static torch.ScalarType ResolveType(string? name, torch.Device device) =>
        name is not null ? LibTorch.ParseType(name, "--dtype")
        : device.type == DeviceType.CUDA ? torch.ScalarType.BFloat16
        : torch.ScalarType.Float32;
}
