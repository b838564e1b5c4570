using Halo.Core;
using Halo.Models;

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

    /// <summary>All names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [Automatic, Tensors, Cpu];

    /// <summary>Makes a runner; the model stays the caller's and must outlive it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="memory">Bytes that sequences and work may take; 0 asks the machine.</param>
    /// <exception cref="HaloException">The name is unknown, or that runner cannot run this model on this device.</exception>
    public static IModelRunner Create(CausalLm model, string name = Automatic, long memory = 0) => name switch
    {
        Automatic or Tensors => new TensorRunner(model, memory),
        Cpu => new CpuRunner(model, null, memory),
        _ => throw new HaloException($"there is no runner '{name}'", "--runner", $"give one of {string.Join(", ", Names)}"),
    };
}
