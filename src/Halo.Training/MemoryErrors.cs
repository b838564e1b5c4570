using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Training;

/// <summary>Turns errors of memory, of libtorch and of .NET, into ones that say what to change.</summary>
internal static class MemoryErrors
{
    private const string MoreMemory = "use a device with more memory, or a smaller model";

    /// <summary>What libtorch's allocators and the libraries beneath it write; the CPU's is the third.</summary>
    private static readonly string[] Texts =
        ["out of memory", "not enough memory", "allocate memory", "std::bad_alloc", "ALLOC_FAILED", "cudaErrorMemoryAllocation"];

    /// <exception cref="HaloException">Memory of the device or the machine was not enough.</exception>
    public static T Explain<T>(string stage, string remedy, Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (Exception error) when (IsLack(error))
        {
            string first = error.Message.Split('\n')[0].TrimEnd('.');
            throw new HaloException($"not enough memory ({first})", stage, remedy, error);
        }
    }

    /// <summary>What to lower of a step that does not fit: first what leaves the result as it is.</summary>
    public static string LowerStep(TrainingOptions options)
    {
        var same = new List<string>();
        if (options.MicroRows > 1)
        {
            same.Add($"lower micro_batch (now {options.MicroRows})");
        }

        if (options.LossChunk > 256)
        {
            same.Add($"lower loss_chunk (now {options.LossChunk})");
        }

        if (!options.Recompute)
        {
            same.Add("set recompute to true");
        }

        return same.Count > 0
            ? $"{string.Join(", or ", same)}; the result stays the same"
            : $"lower row_length (now {options.RowLength}), or {MoreMemory}";
    }

    /// <summary>What to do when not even what is held through the run fits.</summary>
    public static string LowerModel(long trained) =>
        $"the {trained:N0} trained weights need {16 * trained / 1e9:0.0} GB for themselves, gradients and AdamW's states: {MoreMemory}";

    private static bool IsLack(Exception error) =>
        error is OutOfMemoryException
        || (error is ExternalException && Texts.Any(text => error.Message.Contains(text, StringComparison.OrdinalIgnoreCase)));
}
