namespace Halo.Kernels.Decoding;

/// <summary>How decode_stream.cu divides rows of weights: its definitions of that name.</summary>
/// <param name="Rows">Rows of a group of threads in a stage.</param>
/// <param name="Stages">Stages of the ring.</param>
/// <param name="SharedBytes">What the ring takes.</param>
internal readonly record struct StreamShape(int Rows, int Stages, int SharedBytes)
{
    /// <summary>Threads of a block: eight warps that compute, one that asks for weights.</summary>
    public const int Threads = 288;

    // Two blocks share a multiprocessor, that of the next product and this one's, and leave room for the mixer between them.
    private const int RingBytes = 96 << 10;
    private const int MostStageBytes = 32 << 10;
    private const int MostStages = 8;
    private const int MostInputs = 64; // that a thread keeps in registers

    /// <summary>The shape for rows of this width; null where the kernel does not fit.</summary>
    /// <param name="inputs">K.</param>
    /// <param name="paired">Whether two matrices make one output (SwiGLU).</param>
    /// <param name="batch">Inputs at once.</param>
    public static StreamShape? Of(int inputs, bool paired, int batch)
    {
        int vectors = inputs / 8, groups = vectors >= 256 ? 1 : vectors >= 128 ? 2 : vectors >= 64 ? 4 : 8;
        int members = 256 / groups, kept = (vectors + members - 1) / members * 8 * batch, rows = 8;
        while (rows > 1 && rows * groups * vectors * 16 > MostStageBytes)
        {
            rows /= 2;
        }

        rows = paired && groups == 1 ? Math.Max(rows, 2) : rows;
        int stage = rows * groups * vectors * 16, stages = Math.Min(MostStages, RingBytes / stage);
        return kept <= MostInputs && stages >= 2 ? new StreamShape(rows, stages, stages * stage) : null;
    }
}
