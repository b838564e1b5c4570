namespace Halo.Tensors;

/// <summary>A GPU.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="ComputeCapability">Like 9.0.</param>
internal sealed record CudaDeviceDescription(string Name, long MemoryBytes, string ComputeCapability);
