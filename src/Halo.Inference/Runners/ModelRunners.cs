using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>The runners by name; the fastest that can run a model is chosen where nobody says which.</summary>
public static class ModelRunners
{
    /// <summary>Lets <see cref="Create"/> choose.</summary>
    public const string Automatic = "auto";

    /// <summary>libtorch's operations.</summary>
    public const string Tensors = "tensors";

    /// <summary>Halo's own kernels for processors.</summary>
    public const string Cpu = "cpu";

    /// <summary>Halo's own kernels for GPUs.</summary>
    public const string Cuda = "cuda";

    /// <summary>All names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [Automatic, Tensors, Cpu, Cuda];

    /// <summary>Makes a runner; the model stays the caller's and must outlive it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="memory">Bytes that sequences and work may take; 0 asks the machine.</param>
    /// <param name="weights">Bits of the matrices; null for the parameters' own type. Where libtorch computes, the model itself is rounded.</param>
    /// <exception cref="HaloException">The name is unknown, or that runner cannot run this model on this device.</exception>
    public static IModelRunner Create(CausalLm model, string name = Automatic, long memory = 0, WeightFormat? weights = null)
    {
        switch (name)
        {
            case Cpu:
            case Automatic when PrefersCpu(model):
                return new CpuRunner(model, weights, memory);
            case Tensors:
            case Cuda:
            case Automatic:
                if (weights is { } format)
                {
                    model.Quantize(format);
                }

                return name == Cuda || (name == Automatic && CudaRunner.CanRun(model)) ? new CudaRunner(model, memory) : new TensorRunner(model, memory);
            default:
                throw new HaloException($"there is no runner '{name}'", "--runner", $"give one of {string.Join(", ", Names)}");
        }
    }

    /// <summary>Whether the kernels for processors are to run a model that is yet to be read.</summary>
    internal static bool TakesCpu(ModelConfiguration configuration, Device device, ScalarType type, string name) =>
        name is Cpu or Automatic && FitsCpu(configuration, device, type);

    private static bool FitsCpu(ModelConfiguration configuration, Device device, ScalarType type) =>
        CpuWeights.CanRun(configuration) && device.type == DeviceType.CPU && type is ScalarType.Float32 or ScalarType.BFloat16;

    // It packs the weights anew: not where these fill the memory already, nor where they were rounded before.
    private static bool PrefersCpu(CausalLm model) =>
        FitsCpu(model.Configuration, model.Device, model.ComputeType)
        && model.Parameters.All(parameter => parameter.Quantized is null)
        && model.Parameters.Sum(parameter => parameter.Bytes) < MemoryPlan.CpuMemory() / 2;
}
