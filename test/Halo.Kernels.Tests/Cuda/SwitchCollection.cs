namespace Halo.Kernels.Tests.Cuda;

/// <summary>Tests that turn kernels on and off, or wait after each: no other test runs beside them.</summary>
[CollectionDefinition("switch", DisableParallelization = true)]
public class SwitchCollection;
