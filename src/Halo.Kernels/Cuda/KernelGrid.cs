namespace Halo.Kernels.Cuda;

/// <summary>Number of blocks of a launch in each direction.</summary>
internal readonly record struct KernelGrid(long X, long Y = 1, long Z = 1)
{
    private const long MostX = int.MaxValue;
    private const long MostOther = 65535;

    /// <summary>Nothing to do.</summary>
    public bool IsEmpty => X == 0 || Y == 0 || Z == 0;

    /// <summary>Whether CUDA allows it.</summary>
    public bool IsValid => X is > 0 and <= MostX && Y is > 0 and <= MostOther && Z is > 0 and <= MostOther;

    public static implicit operator KernelGrid(long x) => new(x);

    public override string ToString() => $"{X} x {Y} x {Z}";
}
