namespace Halo.Kernels.Cpu;

/// <summary>How a <see cref="KeyValueCache"/> keeps its values.</summary>
internal enum CacheValues
{
    Float32,
    BFloat16,

    /// <summary>8-bit codes; each head of each token has a float32 scale of its own, max |x| / 127.</summary>
    Int8,
}
