namespace Halo.Kernels.Cpu;

/// <summary>
/// A matrix W, (rows N, columns K), laid out for one pass from front to back: groups of 16 rows, the lanes of a vector. Within a group
/// <list type="bullet">
/// <item>float32: for each column 16 values;</item>
/// <item>bfloat16: for each two columns 16 pairs;</item>
/// <item>8 and 4 bits: for each 32 columns the codes of rows 0..7, then of rows 8..15, each as 8 vectors j of 32 bytes, lane i holding columns 4j..4j+3 of row i
/// (in 4 bits vectors j and j + 4 share their bytes, j in the low halves), then 16 scales and, in 4 bits, 16 minima in float16.</item>
/// </list>
/// Missing rows and columns are zeros.
/// </summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    /// <summary>Rows that lie together.</summary>
    public const int Group = 16;

    private readonly NativeBlock _data;

    /// <summary>A matrix of zeros, to be filled by <see cref="SetRows"/>.</summary>
    public PackedMatrix(PackedFormat format, int rows, int columns)
    {
        (Format, Rows, Columns) = (format, rows, columns);
        PaddedColumns = QuantizedRows.Padded(columns);
        Groups = (rows + Group - 1) / Group;
        _data = new NativeBlock(Groups * GroupBytes);
    }

    public PackedFormat Format { get; }

    /// <summary>N.</summary>
    public int Rows { get; }

    /// <summary>K.</summary>
    public int Columns { get; }

    /// <summary>K in whole blocks of 32.</summary>
    public int PaddedColumns { get; }

    /// <summary>Groups of 16 rows.</summary>
    public int Groups { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => _data.Bytes;

    /// <summary>Whether products take their input in 8 bits.</summary>
    public bool IsInteger => Format is PackedFormat.Int8 or PackedFormat.Int4;

    /// <summary>Bytes of 32 columns of a group.</summary>
    public int BlockBytes => Format switch
    {
        PackedFormat.Float32 => 32 * Group * 4,
        PackedFormat.BFloat16 => 32 * Group * 2,
        PackedFormat.Int8 => (32 * Group) + (Group * 2),
        _ => (16 * Group) + (Group * 4),
    };

    /// <summary>Bytes of a group.</summary>
    public long GroupBytes => (long)PaddedColumns / 32 * BlockBytes;

    /// <summary>Start of a group.</summary>
    public byte* GroupAt(int group) => _data.Pointer + (group * GroupBytes);

    /// <summary>Rounds and places rows.</summary>
    /// <param name="pool">Who works.</param>
    /// <param name="first">First row to fill.</param>
    /// <param name="source">float32 (count, K), rows close behind one another.</param>
    /// <param name="count">Rows to fill.</param>
    public void SetRows(WorkerPool pool, int first, float* source, int count) =>
        pool.Divide(count, (from, to) =>
        {
            Span<float> block = stackalloc float[32];
            for (int row = from; row < to; row++)
            {
                for (int start = 0; start < Columns; start += 32)
                {
                    block.Clear();
                    new ReadOnlySpan<float>(source + ((long)row * Columns) + start, Math.Min(32, Columns - start)).CopyTo(block);
                    SetBlock(first + row, start / 32, block);
                }
            }
        });

    /// <summary>A row as products see it, K values.</summary>
    public void GetRow(int row, Span<float> target)
    {
        Span<float> block = stackalloc float[32];
        for (int start = 0; start < Columns; start += 32)
        {
            GetBlock(row, start / 32, block);
            block[..Math.Min(32, Columns - start)].CopyTo(target[start..]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _data.Dispose();

    private static int CodeAt(int lane, int column) => (lane / 8 * 256) + (column / 4 * 32) + (lane % 8 * 4) + (column % 4);

    private byte* BlockAt(int row, int block) => GroupAt(row / Group) + ((long)block * BlockBytes);

    private void SetBlock(int row, int block, ReadOnlySpan<float> values)
    {
        byte* at = BlockAt(row, block);
        int lane = row % Group;
        Span<byte> codes = stackalloc byte[32];
        switch (Format)
        {
            case PackedFormat.Float32:
                for (int k = 0; k < 32; k++)
                {
                    ((float*)at)[(k * Group) + lane] = values[k];
                }

                break;
            case PackedFormat.BFloat16:
                for (int k = 0; k < 32; k++)
                {
                    ((ushort*)at)[(k / 2 * Group * 2) + (lane * 2) + (k % 2)] = Halves.ToBFloat16(values[k]);
                }

                break;
            case PackedFormat.Int8:
                ((Half*)(at + 512))[lane] = BlockRounding.Int8(values, codes);
                for (int k = 0; k < 32; k++)
                {
                    at[CodeAt(lane, k)] = codes[k];
                }

                break;
            default:
                (((Half*)(at + 256))[lane], ((Half*)(at + 288))[lane]) = BlockRounding.Int4(values, codes);
                for (int k = 0; k < 16; k++)
                {
                    at[NibbleAt(lane, k)] = (byte)(codes[k] | (codes[k + 16] << 4));
                }

                break;
        }
    }

    private void GetBlock(int row, int block, Span<float> values)
    {
        byte* at = BlockAt(row, block);
        int lane = row % Group;
        for (int k = 0; k < 32; k++)
        {
            values[k] = Format switch
            {
                PackedFormat.Float32 => ((float*)at)[(k * Group) + lane],
                PackedFormat.BFloat16 => Halves.FromBFloat16(((ushort*)at)[(k / 2 * Group * 2) + (lane * 2) + (k % 2)]),
                PackedFormat.Int8 => (float)((Half*)(at + 512))[lane] * (at[CodeAt(lane, k)] - 128),
                _ => ((float)((Half*)(at + 256))[lane] * ((at[NibbleAt(lane, k % 16)] >> (k / 16 * 4)) & 15)) + (float)((Half*)(at + 288))[lane],
            };
        }
    }

    private static int NibbleAt(int lane, int column) => (lane / 8 * 128) + (column / 4 * 32) + (lane % 8 * 4) + (column % 4);
}
