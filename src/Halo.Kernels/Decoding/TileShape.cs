namespace Halo.Kernels.Decoding;

/// <summary>How decode_tiles.cu divides a matrix: its definitions of that name.</summary>
/// <param name="Columns">Inputs of a block: 8, 16 or 32.</param>
/// <param name="Slice">Columns of W of a block.</param>
/// <param name="Slices">Of a row.</param>
/// <param name="Stages">Of the ring.</param>
/// <param name="SharedBytes">What ring and sums take.</param>
internal readonly record struct TileShape(int Columns, int Slice, int Slices, int Stages, int SharedBytes)
{
    /// <summary>Threads of a block: sixteen warps that compute, one that asks for weights.</summary>
    public const int Threads = 544;

    private const int Warps = 16;
    private const int MostSlice = 2048; // whose inputs fit into registers
    private const int MostSlices = 8;
    private const int RingBytes = 128 << 10;
    private const int MostStages = 8;
    private const int SumBytes = 20 * sizeof(float); // of an input's 16 rows

    /// <summary>The shape for rows of this width; null where the kernel does not fit.</summary>
    /// <param name="inputs">K.</param>
    /// <param name="kind">Of the weights: 0 bfloat16, 1 codes of 8 bits.</param>
    /// <param name="batch">B.</param>
    public static TileShape? Of(int inputs, int kind, int batch)
    {
        int bytes = kind == 1 ? 1 : 2, piece = Warps * 4 * (16 / bytes), columns = batch <= 8 ? 8 : batch <= 16 ? 16 : 32, slices = 1;
        while (slices <= MostSlices && (inputs % (slices * piece) != 0 || inputs / slices > MostSlice))
        {
            slices++;
        }

        if (slices > MostSlices)
        {
            return null;
        }

        int slice = inputs / slices, pieces = slice / piece, stage = 16 * slice * bytes / (pieces % 2 == 0 ? pieces / 2 : pieces), stages = Math.Min(MostStages, RingBytes / stage);
        return new TileShape(columns, slice, slices, stages, (stages * stage) + (2 * Warps * columns * SumBytes));
    }

    /// <summary>Values that the blocks of different slices leave for one another.</summary>
    /// <param name="tiles">Of the matrix.</param>
    /// <param name="batch">B.</param>
    public long PartialSize(int tiles, int batch) => Slices == 1 ? 0 : (long)tiles * Slices * 16 * Columns * ((batch + Columns - 1) / Columns);
}
