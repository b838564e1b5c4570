using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>How a kernel of rows.cuh divides its work: each row by some warps, several short rows in one block.</summary>
/// <param name="Width">Values a row.</param>
/// <param name="Span">Threads a row.</param>
/// <param name="PerThread">Vectors of 16 bytes a thread.</param>
/// <param name="Rows">Rows a block works on at once.</param>
internal sealed record RowLayout(int Width, int Span, int PerThread, int Rows)
{
    private const int Warp = 32;
    private const int Block = 256;

    // Above this many vectors a row, each thread takes two, so that there are enough loads in flight and registers left.
    private const int OneWarp = 64;
    private const int MostSpan = 1024;
    private const int MostPerThread = 4;

    /// <summary>Threads a block.</summary>
    public int Threads => Span * Rows;

    /// <summary>Whether rows of this width and type can be done.</summary>
    public static bool Fits(long width, ScalarType type) => width > 0 && width % KernelInputs.Vector(type) == 0 && width / KernelInputs.Vector(type) <= MostSpan * MostPerThread;

    /// <summary>The layout for a width and type that fit.</summary>
    public static RowLayout Of(int width, ScalarType type)
    {
        int vectors = width / KernelInputs.Vector(type);
        int span = vectors <= OneWarp ? Warp : Math.Min(MostSpan, (((vectors + 1) / 2) + Warp - 1) / Warp * Warp);
        return new(width, span, (vectors + span - 1) / span, Math.Max(1, Block / span));
    }

    /// <summary>The definitions for the compiler.</summary>
    public (string Name, string Value)[] Defines(ScalarType element, ScalarType weight) =>
        [("ELEMENT", KernelInputs.Name(element)), ("WEIGHT", KernelInputs.Name(weight)), ("WIDTH", $"{Width}"), ("SPAN", $"{Span}"), ("PER_THREAD", $"{PerThread}"), ("ROWS", $"{Rows}")];

    /// <summary>Blocks for one pass over rows.</summary>
    public long Blocks(long rows) => (rows + Rows - 1) / Rows;
}
