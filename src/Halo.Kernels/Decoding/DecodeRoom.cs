using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>Room that the products of a decoding step share; nothing in it outlives one of them.</summary>
/// <param name="Prepared_BK">Prepared inputs, as wide as any, of the inputs' type.</param>
/// <param name="Partial">float32, <see cref="DecodeProducts.PartialSize"/> of the greatest.</param>
/// <param name="Counters">int32, <see cref="DecodeProducts.CountersSize"/>, zeros; they are zeros again afterwards.</param>
internal sealed record DecodeRoom(Tensor Prepared_BK, Tensor Partial, Tensor Counters);
