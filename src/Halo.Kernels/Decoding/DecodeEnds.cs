using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>The two ends of a decoding step: embeddings of ids, and the likeliest next ids.</summary>
internal static class DecodeEnds
{
    /// <summary>Blocks that share a row of logits.</summary>
    public const int Parts = 32;

    /// <summary>Embeddings. It waits for whatever is in front of it, so that a step begins with it.</summary>
    /// <param name="ids_B">int64.</param>
    /// <param name="embedding">(V,d).</param>
    /// <param name="output_Bd">Of the model's type.</param>
    public static void Embed(Tensor ids_B, DecodeMatrix embedding, Tensor output_Bd) =>
        CudaKernel.Get("decode_embed.cu", "decode_embed", KernelInputs.Element(output_Bd), ("WEIGHT_KIND", KernelInputs.Number(embedding.Kind)))
            .Launch(output_Bd.shape[0], 256, 0, ids_B, embedding.Weight_NK, embedding.Scales_N1, output_Bd, output_Bd.stride(0), embedding.Inputs);

    /// <summary>Writes the likeliest ids and moves positions on by one, except those of -1.</summary>
    /// <param name="logits_BV">float32.</param>
    /// <param name="ids_B">int64.</param>
    /// <param name="positions_B">int32.</param>
    /// <param name="values">float32 (B <see cref="Parts"/>).</param>
    /// <param name="places">int32 (B <see cref="Parts"/>).</param>
    /// <param name="counters_B">int32, zeros; they are zeros again afterwards.</param>
    /// <param name="steps">int32 (1), which counts steps.</param>
    public static void Finish(Tensor logits_BV, Tensor ids_B, Tensor positions_B, Tensor values, Tensor places, Tensor counters_B, Tensor steps) =>
        CudaKernel.Get("decode_finish.cu", "decode_finish")
            .LaunchAhead(new KernelGrid(Parts, logits_BV.shape[0]), 256, 0, logits_BV, logits_BV.shape[1], ids_B, positions_B, values, places, counters_B, steps);
}
