namespace Halo.Kernels.Cpu;

/// <summary>
/// Keys and values of one attention layer of one sequence in blocks of 64 tokens; it grows without copying. In a block, for each key/value head,
/// keys lie by columns, 64 tokens beside one another, (D,64) (bfloat16: for each two columns 64 pairs), then the values by tokens, (64,D);
/// in 8 bits 64 scales follow the keys, and 64 the values. D is a multiple of 16.
/// </summary>
internal sealed unsafe class KeyValueCache(int heads, int size, CacheValues kind) : IDisposable
{
    /// <summary>Tokens of a block.</summary>
    public const int Block = 64;

    private const int BlocksTogether = 4;
    private readonly List<NativeBlock> _memory = [];
    private readonly List<Place> _places = [];

    /// <summary>Hkv.</summary>
    public int Heads { get; } = heads;

    /// <summary>D.</summary>
    public int Size { get; } = size;

    /// <summary>How values are kept.</summary>
    public CacheValues Kind { get; } = kind;

    /// <summary>Bytes held.</summary>
    public long Bytes => _memory.Sum(one => one.Bytes);

    private long PartBytes => Block * TokenBytes(Size, Kind);

    private long BlockBytes => 2 * PartBytes * Heads;

    /// <summary>Bytes that a number of tokens take.</summary>
    public static long BytesFor(long tokens, int heads, int size, CacheValues kind)
    {
        const int Together = Block * BlocksTogether;
        return (tokens + Together - 1) / Together * Together * heads * 2 * TokenBytes(size, kind);
    }

    /// <summary>Makes room.</summary>
    public void Reserve(int tokens)
    {
        int missing = ((tokens + Block - 1) / Block) - _places.Count;
        if (missing <= 0)
        {
            return;
        }

        // The blocks of a head lie behind one another, and pieces grow with what is there: long streams are faster than short ones.
        int blocks = (Math.Max(missing, _places.Count / 8) + BlocksTogether - 1) / BlocksTogether * BlocksTogether;
        var memory = new NativeBlock(BlockBytes * blocks);
        _memory.Add(memory);
        for (int block = 0; block < blocks; block++)
        {
            _places.Add(new Place((nint)memory.Pointer + (nint)(2 * PartBytes * block), 2 * PartBytes * blocks));
        }
    }

    /// <summary>Keys of a block and head; values follow behind them.</summary>
    public byte* KeysAt(int block, int head) => (byte*)_places[block].Address + (head * _places[block].HeadStride);

    /// <summary>Values of a block and head.</summary>
    public byte* ValuesAt(int block, int head) => KeysAt(block, head) + PartBytes;

    /// <summary>Scales of the 64 keys or values that begin at an address, in 8 bits.</summary>
    public float* ScalesOf(byte* part) => (float*)(part + (Block * Size));

    /// <summary>Writes a token's key and value of a head, D values each.</summary>
    public void Set(int token, int head, float* key, float* value)
    {
        byte* keys = KeysAt(token / Block, head), values = keys + PartBytes;
        int at = token % Block;
        if (Kind == CacheValues.Int8)
        {
            Encode(key, (sbyte*)keys + at, Block, ScalesOf(keys) + at);
            Encode(value, (sbyte*)values + (at * Size), 1, ScalesOf(values) + at);
            return;
        }

        if (Kind == CacheValues.Float32)
        {
            for (int d = 0; d < Size; d++)
            {
                ((float*)keys)[(d * Block) + at] = key[d];
                ((float*)values)[(at * Size) + d] = value[d];
            }

            return;
        }

        for (int d = 0; d < Size; d += 2)
        {
            ((uint*)keys)[(d / 2 * Block) + at] = Halves.ToBFloat16(key[d]) | ((uint)Halves.ToBFloat16(key[d + 1]) << 16);
            ((uint*)values)[((at * Size) + d) / 2] = Halves.ToBFloat16(value[d]) | ((uint)Halves.ToBFloat16(value[d + 1]) << 16);
        }
    }

    /// <summary>Reads a token's key and value of a head back.</summary>
    public void Get(int token, int head, float* key, float* value)
    {
        byte* keys = KeysAt(token / Block, head), values = keys + PartBytes;
        int at = token % Block;
        for (int d = 0; d < Size; d++)
        {
            (key[d], value[d]) = Kind switch
            {
                CacheValues.Float32 => (((float*)keys)[(d * Block) + at], ((float*)values)[(at * Size) + d]),
                CacheValues.BFloat16 => (Halves.FromBFloat16(((ushort*)keys)[(d / 2 * Block * 2) + (at * 2) + (d % 2)]), Halves.FromBFloat16(((ushort*)values)[(at * Size) + d])),
                _ => (((sbyte*)keys)[(d * Block) + at] * ScalesOf(keys)[at], ((sbyte*)values)[(at * Size) + d] * ScalesOf(values)[at]),
            };
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.ForEach(one => one.Dispose());
        _memory.Clear();
        _places.Clear();
    }

    private static long TokenBytes(int size, CacheValues kind) => kind switch
    {
        CacheValues.Float32 => 4L * size,
        CacheValues.BFloat16 => 2L * size,
        _ => size + sizeof(float),
    };

    /// <summary>As Halo.Models has it for tensors: halves to even, a scale of at least 1e-12 / 127.</summary>
    private void Encode(float* from, sbyte* to, int step, float* scale)
    {
        float most = 1e-12f;
        for (int d = 0; d < Size; d++)
        {
            most = Math.Max(most, Math.Abs(from[d]));
        }

        *scale = most / 127;
        for (int d = 0; d < Size; d++)
        {
            to[d * step] = (sbyte)MathF.Round(from[d] / *scale);
        }
    }

    /// <summary>Where a block of the first head lies, and how far it is to the next head's.</summary>
    private readonly record struct Place(nint Address, long HeadStride);
}
