using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>The mixers of a decoding step: one token of B sequences, each with a cache of its own at an address of its own.</summary>
internal static class DecodeMixers
{
    /// <summary>Numbers that the table of <see cref="Attention"/> has for each sequence: addresses of its keys and values, its capacity in tokens (head h begins at h capacity D), addresses of the scales of 8-bit keys and values, a spare one.</summary>
    public const int Entries = 6;

    private const int MostGroup = 8;

    /// <summary>Whether the kernels take such heads.</summary>
    public static bool Fits(int heads, int keyHeads, int size) => size is 64 or 128 && heads % keyHeads == 0 && heads / keyHeads <= MostGroup;

    /// <summary>Blocks that share the tokens of a key/value head.</summary>
    public static int Splits(int batch, int keyHeads, int device) => Math.Max(batch == 1 ? 1 : 2, 2 * CudaDevice.Of(device).Multiprocessors / keyHeads / batch);

    /// <summary>Values that <see cref="Attention"/> keeps between its blocks.</summary>
    public static long PartialSize(int batch, DecodeHeads heads, int splits) => (long)batch * splits * heads.Heads * (heads.Size + 2);

    /// <summary>Softmax attention; appends the new key and value.</summary>
    /// <param name="heads">The layer's heads.</param>
    /// <param name="rows">Projected rows (B,.).</param>
    /// <param name="cacheIsInt8">Whether keys and values are 8-bit codes with scales.</param>
    /// <param name="table">int64 (B,<see cref="Entries"/>).</param>
    /// <param name="positions_B">int32: tokens that each sequence has; -1 for a place that nobody uses.</param>
    /// <param name="logitBase">a of the queries' factor ln(t + a) / ln(a); 0 takes <paramref name="logitConstant"/>.</param>
    /// <param name="logitConstant">Factor of the queries.</param>
    /// <param name="splits">Of <see cref="Splits"/>.</param>
    /// <param name="partial">float32, <see cref="PartialSize"/>.</param>
    /// <param name="counters">int32 (B Hkv), zeros; they are zeros again afterwards.</param>
    /// <param name="output_BE">(B,H D).</param>
    public static void Attention(
        DecodeHeads heads, Tensor rows, bool cacheIsInt8, Tensor table, Tensor positions_B, float logitBase, float logitConstant, int splits, Tensor partial, Tensor counters, Tensor output_BE) =>
        CudaKernel.Get("decode_attention.cu", "decode_attention", KernelInputs.Element(rows), ("D", KernelInputs.Number(heads.Size)), ("GROUP", KernelInputs.Number(heads.Heads / heads.KeyHeads)), ("CACHE_KIND", cacheIsInt8 ? "1" : "0"))
            .LaunchAhead(
                new KernelGrid(splits, heads.KeyHeads, rows.shape[0]), 256, 0, rows, rows.stride(0), heads.KeyOffset, heads.ValueOffset, heads.KeyHeads, heads.QueryNorm_D, heads.KeyNorm_D, heads.Epsilon,
                heads.Frequencies, heads.Amplitude, table, positions_B, 1 / MathF.Sqrt(heads.Size), logitBase, logitConstant, partial, counters, output_BE, output_BE.stride(0));

    /// <summary>Lightning attention; the states move on.</summary>
    /// <param name="heads">The layer's heads.</param>
    /// <param name="rows">Projected rows (B,.).</param>
    /// <param name="slopes_H">m_h, float32.</param>
    /// <param name="states_B">int64: the address of each sequence's state, float32 (H,D,D).</param>
    /// <param name="positions_B">int32, as for <see cref="Attention"/>.</param>
    /// <param name="scale">c.</param>
    /// <param name="output_BE">(B,H D).</param>
    public static void Lightning(DecodeHeads heads, Tensor rows, Tensor slopes_H, Tensor states_B, Tensor positions_B, float scale, Tensor output_BE)
    {
        // Few blocks leave the card idle; whole rows of 256 bytes are read faster.
        int columns = rows.shape[0] <= 8 ? 16 : 64;
        CudaKernel.Get("decode_lightning.cu", "decode_lightning", KernelInputs.Element(rows), ("D", KernelInputs.Number(heads.Size)), ("COLUMNS", KernelInputs.Number(columns)))
            .LaunchAhead(
                new KernelGrid(heads.Size / columns, heads.Heads, rows.shape[0]), 256, 0, rows, rows.stride(0), heads.KeyOffset, heads.ValueOffset, heads.Heads, heads.KeyHeads, heads.QueryNorm_D, heads.KeyNorm_D, heads.Epsilon,
                heads.Frequencies, heads.Amplitude, slopes_H, states_B, positions_B, scale, output_BE, output_BE.stride(0));
    }
}
