using TorchSharp;

namespace Halo.Tensors;

/// <summary>A tensor in a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="Offset">First byte, from the file's start.</param>
/// <param name="Bytes">Number of bytes.</param>
public sealed record TensorEntry(string Name, torch.ScalarType Type, IReadOnlyList<long> Shape, long Offset, long Bytes);
