using Halo.Models;

namespace Halo.Training;

/// <summary>
/// Bytes that a training stage needs, by part: exact for what is held through the run, an estimate for what a step makes.
/// </summary>
/// <param name="Weights">Float32 master weights of what is trained, and the rest of the student in the compute type.</param>
/// <param name="Gradients">Float32 gradients.</param>
/// <param name="Moments">AdamW's two float32 states.</param>
/// <param name="Teacher">The teacher's weights in the compute type.</param>
/// <param name="Activations">What the backward pass keeps of one micro-batch.</param>
/// <param name="LossChunk">Logits of a chunk and what is made of them.</param>
public sealed record MemoryEstimate(long Weights, long Gradients, long Moments, long Teacher, long Activations, long LossChunk)
{
    /// <summary>All together.</summary>
    public long Total => Weights + Gradients + Moments + Teacher + Activations + LossChunk;

    /// <summary>Estimates a stage.</summary>
    /// <param name="model">What is trained.</param>
    /// <param name="options">Micro-batch, row length, recomputation and loss chunk are read.</param>
    /// <param name="computeBytes">Bytes of a number of the compute type: 2 for bfloat16, 4 for float32.</param>
    /// <param name="trained">Trained numbers; null for the whole model.</param>
    /// <param name="teacher">The teacher, where the stage has one.</param>
    public static MemoryEstimate Of(ModelConfiguration model, TrainingOptions options, int computeBytes, long? trained = null, ModelConfiguration? teacher = null)
    {
        long all = CausalLm.ParameterCount(model);
        long own = trained ?? all;
        long tokens = (long)options.MicroRows * options.RowLength;
        long d = model.HiddenSize, ffn = model.IntermediateSize;
        long heads = (long)model.NumAttentionHeads * model.HeadDim;

        // Kept for the backward pass of a layer: the residual stream and the norms' float32 copies (3 d in compute type, 4 d in float32), q, k, v with
        // their normed and rotated forms and the gated output (about 10 head widths, 3 of them float32), gate, up, SiLU and their product (4 ffn).
        long layer = tokens * (((3 * d) + (7 * heads) + (4 * ffn)) * computeBytes + ((4 * d) + (3 * heads)) * 4);
        long weightCasts = computeBytes == 4 ? 0 : all * computeBytes;
        long activations = options.Recompute
            ? (model.NumHiddenLayers * tokens * d * computeBytes) + layer + (weightCasts / model.NumHiddenLayers)
            : (model.NumHiddenLayers * layer) + weightCasts;

        // Logits in the compute type, log-softmax, probabilities and gradient in float32; the same again for the teacher's.
        long chunk = Math.Min(options.LossChunk, tokens) * model.VocabSize * (computeBytes + 8) * (teacher is null ? 1 : 2);
        long headProduct = (long)model.VocabSize * d * (computeBytes + 4);
        return new MemoryEstimate(
            (own * 4) + ((all - own) * computeBytes), own * 4, own * 8, teacher is null ? 0 : CausalLm.ParameterCount(teacher) * computeBytes, activations, chunk + headProduct);
    }
}
