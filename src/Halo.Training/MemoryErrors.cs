using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Training;

/// <summary>Turns libtorch's errors of memory into ones that say what to change.</summary>
internal static class MemoryErrors
{
    /// <exception cref="HaloException">Memory of the device or the machine was not enough.</exception>
    public static T Explain<T>(string stage, Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (ExternalException error) when (error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || error.Message.Contains("allocate memory", StringComparison.OrdinalIgnoreCase))
        {
            string first = error.Message.Split('\n')[0].TrimEnd('.');
            throw new HaloException($"not enough memory ({first})", stage, "lower micro_batch or loss_chunk, or set recompute to true; the result stays the same", error);
        }
    }
}
