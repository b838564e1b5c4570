namespace Halo.Tensors;

/// <summary>What the CUDA driver says.</summary>
/// <param name="DriverVersion">CUDA version that the driver supports, like 13.0.</param>
/// <param name="Devices">The GPUs.</param>
internal sealed record CudaDescription(string DriverVersion, IReadOnlyList<CudaDeviceDescription> Devices);
