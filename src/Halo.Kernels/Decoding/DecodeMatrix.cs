using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>A matrix of a decoding step: weights (N,K) of the model's type, or 8-bit codes with float32 scales (N,1); and a bias (N).</summary>
internal sealed record DecodeMatrix(Tensor Weight_NK, Tensor? Scales_N1, Tensor? Bias_N)
{
    /// <summary>N.</summary>
    public int Outputs => (int)Weight_NK.shape[0];

    /// <summary>K.</summary>
    public int Inputs => (int)Weight_NK.shape[1];

    /// <summary>How the kernels' definition WEIGHT_KIND names it.</summary>
    public int Kind => Weight_NK.dtype == ScalarType.Int8 ? 1 : 0;
}
