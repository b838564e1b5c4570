using System.Collections.Concurrent;
using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>A pair of kernels over rows, compiled for a width and types.</summary>
internal sealed record RowKernels(RowLayout Layout, CudaKernel Forward, CudaKernel Backward)
{
    private readonly PersistentGrid _grid = new(Backward, Layout.Threads);

    /// <summary>Blocks of the backward pass, which stay on the card and go over all rows.</summary>
    public long BackwardBlocks(long rows, int device) => _grid.Blocks(Layout.Blocks(rows), device);
}

/// <summary>The pairs of a source file, whose kernels are NAME and NAME_backward.</summary>
/// <param name="name">Name of the file, without ending, and of the kernels.</param>
internal sealed class RowKernelFamily(string name)
{
    private readonly ConcurrentDictionary<(ScalarType, ScalarType, int), RowKernels> _kernels = new();

    /// <summary>The pair for an element type, a weight type and a width.</summary>
    public RowKernels For(ScalarType element, ScalarType weight, int width) => _kernels.GetOrAdd((element, weight, width), key =>
    {
        RowLayout layout = RowLayout.Of(key.Item3, key.Item1);
        (string, string)[] defines = layout.Defines(key.Item1, key.Item2);
        return new(layout, CudaKernel.Get(name + ".cu", name, defines), CudaKernel.Get(name + ".cu", name + "_backward", defines));
    });
}
