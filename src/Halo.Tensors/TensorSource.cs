using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>A tensor to write that is made when its turn comes, so that only one is held at a time.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Type">Its type.</param>
/// <param name="Read">Makes it; the writer disposes it.</param>
internal sealed record TensorSource(string Name, IReadOnlyList<long> Shape, ScalarType Type, Func<Tensor> Read)
{
    /// <summary>Its bytes.</summary>
    public long Bytes => Shape.Aggregate(1L, (product, size) => product * size) * SafetensorsTypes.Of(Type).Size;

    /// <summary>A tensor that is there already and stays.</summary>
    public static TensorSource Of(string name, Tensor tensor) => new(name, tensor.shape, tensor.dtype, tensor.detach);
}
