using static TorchSharp.torch;

namespace Halo.Importing;

/// <summary>Rows of Wq and Wk: Llama's own order pairs dimension 2i with 2i + 1, Hugging Face's pairs i with i + D/2.</summary>
internal static class RotaryRows
{
    /// <summary>From interleaved to half-split order, (heads D, ...) to the same; takes and disposes the tensor.</summary>
    public static Tensor Split(Tensor rows, long heads)
    {
        using (rows)
        {
            long half = rows.shape[0] / heads / 2;
            return rows.view(heads, half, 2, -1).transpose(1, 2).reshape(rows.shape);
        }
    }
}
