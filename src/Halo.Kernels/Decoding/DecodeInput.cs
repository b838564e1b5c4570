using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>The inputs of a product of a decoding step: rows as they are, normed (RMSNorm), or normed and times sigmoid(gate).</summary>
/// <param name="Rows_BK">Rows; may be a part of wider ones.</param>
/// <param name="Norm_K">Weight of the norm; null for none.</param>
/// <param name="Epsilon">The norm's.</param>
/// <param name="Gate_BK">Gates, may be a part of wider rows; null for none.</param>
internal sealed record DecodeInput(Tensor Rows_BK, Tensor? Norm_K = null, double Epsilon = 0, Tensor? Gate_BK = null)
{
    /// <summary>How the kernels' definition PROLOGUE names it: 0 as it is, 1 normed, 2 gated.</summary>
    public int Prologue => Gate_BK is not null ? 2 : Norm_K is not null ? 1 : 0;
}
