using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>How decode_step.cu is made for a model: its definitions of that name, and its grid.</summary>
/// <param name="Kind">Of the weights: 0 bfloat16, 1 codes of 8 bits.</param>
/// <param name="Width">d.</param>
/// <param name="Mixed">Width of the mixers' outputs.</param>
/// <param name="Inner">Width of the MLP.</param>
/// <param name="Heads">Of softmax attention; 1 where there is none.</param>
/// <param name="KeyHeads">Of softmax attention; 1 where there is none.</param>
/// <param name="LinearHeads">Of Lightning attention; 1 where there is none.</param>
/// <param name="LinearKeyHeads">Of Lightning attention; 1 where there is none.</param>
/// <param name="Piece">Columns of a stage of the ring, at most.</param>
/// <param name="Stages">Of the ring.</param>
/// <param name="Blocks">Of the grid.</param>
/// <param name="SharedBytes">Of a block.</param>
internal readonly record struct StepShape(
    int Kind, int Width, int Mixed, int Inner, int Heads, int KeyHeads, int LinearHeads, int LinearKeyHeads, int Piece, int Stages, int Blocks, int SharedBytes)
{
    /// <summary>Threads of a block: eight warps that compute, one of which a thread asks for weights.</summary>
    public const int Threads = 288;

    /// <summary>Values of a head.</summary>
    public const int HeadSize = 128;

    // From this compute capability on there are bulk copies.
    private const int FirstWithBulkCopies = 90;
    private const int MostPiece = 2048;
    private const int MostLayers = 200; // for which a step has tags
    private const int MostGroup = 4;    // whose sums a thread keeps in registers
    private const int FixedBytes = 4 << 10;
    private const int TableBytes = 304 + 32;

    /// <summary>Warps that share a stage; more of them have a result sooner, fewer need less of one another.</summary>
    public int Team => Kind == 1 ? 2 : 4;

    // Of a stage, each with a barrier of its own.
    private int Cuts => Kind == 1 ? 2 : 4;

    /// <summary>Copies on their way at most: enough for the memory's rate, few enough that other requests need not wait long behind them.</summary>
    public int Flight => Math.Min(Stages * Cuts, (Kind == 1 ? 24 << 10 : 32 << 10) / (8 * Piece * (Kind == 1 ? 1 : 2) / Cuts));

    /// <summary>Blocks that share the tokens of a key/value head.</summary>
    public int Splits => Math.Max(1, Blocks / KeyHeads);

    /// <summary>The shape for a model; null where the kernel does not fit.</summary>
    /// <param name="layers">Its layers.</param>
    /// <param name="head">Its head.</param>
    /// <param name="type">That it computes in.</param>
    /// <param name="device">Card.</param>
    public static StepShape? Of(IReadOnlyList<DecodeLayer> layers, DecodeMatrix head, ScalarType type, CudaDevice device)
    {
        DecodeLayer? attention = layers.FirstOrDefault(layer => layer.IsAttention), linear = layers.FirstOrDefault(layer => !layer.IsAttention);
        DecodeMatrix[] all = [.. layers.SelectMany(layer => (DecodeMatrix[])[.. layer.Inputs, layer.Output, .. layer.GateUp, layer.Down]), head];
        int kind = head.Kind, width = head.Inputs, mixed = layers[0].Output.Inputs, inner = layers[0].Down.Inputs, widest = Math.Max(width, Math.Max(mixed, inner));
        if (device.Capability < FirstWithBulkCopies || type != ScalarType.BFloat16 || layers.Count > MostLayers
            || all.Any(matrix => matrix.Kind != kind || matrix.Outputs % 8 != 0 || matrix.Inputs % 256 != 0)
            || layers.Any(layer => layer.Heads.Size != HeadSize || layer.Output.Inputs != mixed || layer.Heads.Heads * HeadSize != mixed)
            || (attention is not null && attention.Heads.Heads / attention.Heads.KeyHeads > MostGroup))
        {
            return null;
        }

        // A block must have tiles of the products between which it reads what others write: so it has read before they write anew.
        int blocks = Math.Min(device.Multiprocessors, Math.Min(inner / 4, layers.Min(layer => layer.Inputs.Sum(matrix => matrix.Outputs)) / 8));
        int piece = Math.Min(MostPiece, width), slot = 8 * piece * (kind == 1 ? 1 : 2);
        int group = attention is null ? 1 : attention.Heads.Heads / attention.Heads.KeyHeads;
        int inputs = widest * (kind == 1 ? 3 : 2), mixers = sizeof(float) * (((3 + group) * HeadSize) + (8 * group * (HeadSize + 2)));
        int others = ((((layers.Count + 1) * TableBytes) + 127) / 128 * 128) + Math.Max(inputs, mixers);
        int mostStages = kind == 1 ? 8 : 6, sums = mostStages * ((widest + piece - 1) / piece) * (kind == 1 ? 6 : 4) * 32;
        int stages = Math.Min(mostStages, (device.MostSharedBytes - FixedBytes - sums - others) / slot);
        stages -= stages % (kind == 1 ? 4 : 2); // whole rounds of teams
        return stages < 4 || blocks < Math.Max(attention?.Heads.KeyHeads ?? 1, 16) ? null : new StepShape(
            kind, width, mixed, inner, attention?.Heads.Heads ?? 1, attention?.Heads.KeyHeads ?? 1, linear?.Heads.Heads ?? 1, linear?.Heads.KeyHeads ?? 1, piece, stages, blocks, (stages * slot) + others);
    }

    /// <summary>The kernel.</summary>
    public CudaKernel Kernel(bool cacheIsInt8) => CudaKernel.Get(
        "decode_step.cu", "decode_step", ("ELEMENT", "bf16"), ("EPILOGUE", "0"), ("WEIGHT_KIND", KernelInputs.Number(Kind)), ("CACHE_KIND", cacheIsInt8 ? "1" : "0"), ("WIDTH", KernelInputs.Number(Width)),
        ("MIXED", KernelInputs.Number(Mixed)), ("INNER", KernelInputs.Number(Inner)), ("HEADS", KernelInputs.Number(Heads)), ("KEY_HEADS", KernelInputs.Number(KeyHeads)), ("LINEAR_HEADS", KernelInputs.Number(LinearHeads)),
        ("LINEAR_KEY_HEADS", KernelInputs.Number(LinearKeyHeads)), ("PIECE", KernelInputs.Number(Piece)), ("STAGES", KernelInputs.Number(Stages)), ("FLIGHT", KernelInputs.Number(Flight)), ("TEAM", KernelInputs.Number(Team)));
}
