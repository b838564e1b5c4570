using Halo.Core;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Cli;

/// <summary>Device and type of training commands: products in bfloat16 wherever --dtype says nothing.</summary>
internal static class RunOptions
{
    public static (torch.Device Device, torch.ScalarType Type) Resolve(string device, string? type)
    {
        torch.Device target = LibTorch.Device(device);
        torch.ScalarType computed = LibTorch.ParseType(type ?? "bfloat16");
        return computed == torch.ScalarType.Float16
            ? throw new HaloException("training in float16 loses small gradients", "--dtype", "give bfloat16 or float32")
            : (target, computed);
    }
}
