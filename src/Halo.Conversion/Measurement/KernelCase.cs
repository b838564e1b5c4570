namespace Halo.Conversion.Measurement;

/// <summary>A kernel with its inputs.</summary>
/// <param name="Name">Kernel.</param>
/// <param name="Shape">Of its inputs, for tables.</param>
/// <param name="Bytes">Bytes that must be read and written at least.</param>
/// <param name="Operations">Floating-point operations that tensor cores must do at least.</param>
/// <param name="Run">Runs it; what it makes belongs to the current dispose scope.</param>
/// <param name="Plain">The same with plain tensor operations, where that is not <paramref name="Run"/> with the kernels switched off.</param>
internal sealed record KernelCase(string Name, string Shape, double Bytes, double Operations, Action Run, Action? Plain = null)
{
    /// <summary>How often a run does the work, each time on other inputs.</summary>
    public int Times { get; init; } = 1;
}
