using System.CommandLine;
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

    /// <summary><c>--json</c>: stdout is exactly one JSON value.</summary>
    public static Option<bool> Json() => new("--json")
    {
        Description = "Print the result as one JSON value on stdout.",
    };

    /// <summary><c>--seed</c>.</summary>
    public static Option<long> Seed() => new("--seed")
    {
        Description = "Seed of everything random.",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>The number type to compute in on a device.</summary>
    public static torch.ScalarType ResolveType(string? name, torch.Device device) =>
        name is not null ? LibTorch.ParseType(name)
        : device.type == DeviceType.CUDA ? torch.ScalarType.BFloat16
        : torch.ScalarType.Float32;
}
