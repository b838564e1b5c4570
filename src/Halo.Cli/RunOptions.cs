using Halo.Core;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Cli;

/// <summary>Device and type of training commands: where --dtype says nothing, products in bfloat16 on a GPU and in float32 on the CPU, whose batched bfloat16 products are many times slower.</summary>
internal static class RunOptions
{
    public static (torch.Device Device, torch.ScalarType Type) Resolve(string device, string? type)
    {
        torch.Device target = LibTorch.Device(device);
        torch.ScalarType computed = LibTorch.ParseType(type ?? (target.type == TorchSharp.DeviceType.CUDA ? "bfloat16" : "float32"), "--dtype");
        return computed == torch.ScalarType.Float16
            ? throw new HaloException("training in float16 loses small gradients", "--dtype", "give bfloat16 or float32")
            : (target, computed);
    }
}
