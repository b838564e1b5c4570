namespace Halo.Kernels.Cuda;

/// <summary>What a launch of a kernel may ask for.</summary>
/// <param name="MostThreads">Threads a block.</param>
/// <param name="MostSharedBytes">Dynamic shared memory a block.</param>
/// <param name="ParameterSizes">Bytes of each parameter; null if not known.</param>
internal sealed record KernelLimits(int MostThreads, int MostSharedBytes, int[]? ParameterSizes)
{
    /// <summary>What is wrong with a launch, to follow the kernel's name; null if nothing. No arguments at all are not checked.</summary>
    public string? Problem(KernelGrid grid, int threads, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        if (!grid.IsValid)
        {
            return $"cannot have a grid of {grid} blocks";
        }

        if (threads < 1 || threads > MostThreads)
        {
            return $"cannot have {threads} threads a block: 1 to {MostThreads} are possible";
        }

        if (sharedBytes > MostSharedBytes)
        {
            return $"needs {sharedBytes} bytes of shared memory a block; this card has {MostSharedBytes}";
        }

        if (ParameterSizes is null || arguments.Length == 0)
        {
            return null;
        }

        if (arguments.Length != ParameterSizes.Length)
        {
            return $"takes {ParameterSizes.Length} arguments, not {arguments.Length}";
        }

        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i].Size != ParameterSizes[i])
            {
                return $"takes {ParameterSizes[i]} bytes as argument {i + 1}, not {arguments[i].Size}";
            }
        }

        return null;
    }
}
