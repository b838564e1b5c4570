namespace Halo.Tensors;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Its shape, outermost first.</param>
/// <param name="Offset">Where its bytes begin in the file.</param>
/// <param name="Bytes">How many they are.</param>
internal sealed record GgufEntry(GgufType Type, IReadOnlyList<long> Shape, long Offset, long Bytes);
