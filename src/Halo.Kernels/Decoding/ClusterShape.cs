namespace Halo.Kernels.Decoding;

/// <summary>How decode_cluster.cu divides a product: its definitions of that name.</summary>
/// <param name="Columns">Inputs of a block: 16 or 32.</param>
/// <param name="Cluster">Blocks that share the columns of W: 2 or 4.</param>
/// <param name="Stages">Of the ring.</param>
/// <param name="SharedBytes">Of a block.</param>
internal readonly record struct ClusterShape(int Columns, int Cluster, int Stages, int SharedBytes)
{
    /// <summary>Threads of a block: four warps that multiply, four that finish, one that asks for weights.</summary>
    public const int Threads = 288;

    /// <summary>Rows of W of a tile; for SwiGLU half of each matrix's.</summary>
    public const int Rows = 64;

    /// <summary>Columns of W of a stage, in pieces of 64.</summary>
    public const int Chunks = 2;

    /// <summary>Stages on their way to a block at most; more take more from the kernels beside than they bring.</summary>
    public const int Flight = 3;

    private const int StageBytes = Rows * Chunks * 64 * sizeof(ushort);
    private const int MostStages = 6; // with more, fewer blocks of the kernels behind find room beside
    private const int LeastStages = 4;
    private const int Piece = 256;    // columns of a warp at a time
    private const int FixedBytes = 4 << 10;

    /// <summary>The shape of clusters of a size; null where the kernel does not fit.</summary>
    /// <param name="cluster">2 or 4.</param>
    /// <param name="inputs">K.</param>
    /// <param name="batch">B.</param>
    /// <param name="mostSharedBytes">That a block can have.</param>
    public static ClusterShape? Of(int cluster, int inputs, int batch, int mostSharedBytes)
    {
        if (inputs % (cluster * Piece) != 0)
        {
            return null;
        }

        // Inputs, sums of all blocks and own ones, each twice; the ring begins at a multiple of 1,024.
        int columns = batch <= 16 ? 16 : 32, others = (columns * inputs / cluster * sizeof(ushort)) + (4 * Rows * columns * sizeof(float)) + 1024;
        int stages = Math.Min(MostStages, (mostSharedBytes - FixedBytes - others) / StageBytes);
        return stages < LeastStages ? null : new ClusterShape(columns, cluster, stages, (stages * StageBytes) + others);
    }

    /// <summary>What a block reads of W, in columns of tiles, where so many clusters work at once.</summary>
    /// <param name="inputs">K.</param>
    /// <param name="tiles">Of the product.</param>
    /// <param name="clusters">At once.</param>
    public long Work(int inputs, int tiles, int clusters) => ((tiles + clusters - 1L) / clusters) * (inputs / Cluster);
}
