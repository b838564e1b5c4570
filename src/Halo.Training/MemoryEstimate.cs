using Halo.Models;

namespace Halo.Training;

/// <summary>
/// Bytes that a training stage needs, by part: exact for what is held through the run, an estimate for what a step makes.
/// </summary>
/// <param name="Weights">Float32 master weights of what is trained, their copies in bfloat16 where products are, and the rest of the student.</param>
/// <param name="Gradients">Gradients: float32, or bfloat16 (and a float32 sum where an update has several micro-batches).</param>
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
    /// <param name="computeBytes">Bytes of a number of the compute type: 2 for bfloat16 on a GPU, with its kernels; 4 for float32.</param>
    /// <param name="trained">Trained numbers; null for the whole model. Fewer than the model has, with a teacher, mean alignment: one layer at a time.</param>
    /// <param name="teacher">The teacher, where the stage has one.</param>
    public static MemoryEstimate Of(ModelConfiguration model, TrainingOptions options, int computeBytes, long? trained = null, ModelConfiguration? teacher = null)
    {
        long all = CausalLm.ParameterCount(model);
        long own = trained ?? all;
        long tokens = (long)options.MicroRows * options.RowLength;
        long d = model.HiddenSize, ffn = model.IntermediateSize;
        bool half = computeBytes < 4;
        bool alignment = own < all && teacher is not null;
        long activations = 0, largest = 0;
        foreach (MixerType mixer in model.MixerTypes)
        {
            bool lightning = mixer == MixerType.Lightning;
            long q = lightning ? (long)model.LightningNh * model.LightningHeadDim : (long)model.NumAttentionHeads * model.HeadDim;
            long kv = lightning ? (long)model.LightningNkv * model.LightningHeadDim : (long)model.NumKeyValueHeads * model.HeadDim;
            long layer = tokens * (half ? Kept(d, ffn, q, kv) * computeBytes : KeptPlain(d, ffn, q, computeBytes));
            activations += layer;
            largest = Math.Max(largest, layer);
        }

        // A backward pass of one layer makes the gradients of the MLP's three tensors and of the residual stream.
        long backward = tokens * ((3 * ffn) + (2 * d)) * computeBytes;
        if (alignment)
        {
            return new MemoryEstimate((all * 4) + (half ? own * computeBytes : 0), GradientBytes(own, options, half), own * 8, CausalLm.ParameterCount(teacher!) * computeBytes, largest + backward, 0);
        }

        // With recomputation the inputs of layers are kept; beside them final states, their norm and their gradient, and the teacher's.
        long inputs = model.NumHiddenLayers * tokens * d * computeBytes;
        long ends = tokens * d * computeBytes * (teacher is null ? 3 : 4);

        // Kernels need logits in the compute type alone; plain operations also log-softmax, probabilities and gradient in float32.
        long chunk = Math.Min(half ? Math.Max(options.LossChunk, (1L << 28) / model.VocabSize) : options.LossChunk, tokens);
        long loss = (chunk * model.VocabSize * (half ? computeBytes : computeBytes + 8) * (teacher is null ? 1 : 2)) + ((long)model.VocabSize * d * (computeBytes + 4));
        long kept = options.Recompute ? inputs : activations;
        long later = options.Recompute ? largest + backward : backward;
        return new MemoryEstimate(
            (own * 4) + (half ? own * computeBytes : 0) + ((all - own) * computeBytes), GradientBytes(own, options, half), own * 8,
            teacher is null ? 0 : CausalLm.ParameterCount(teacher) * computeBytes, kept + ends + Math.Max(0, later - loss), loss);
    }

    /// <summary>
    /// Numbers kept of a token in a layer with kernels: the residual stream before and after the mixer and both norms (4 d); queries and keys before and after
    /// rotation, values, the mixer's output, its gate and what is multiplied with Wo (5 q + 3 kv); gate, up and their product (3 ffn).
    /// </summary>
    private static long Kept(long d, long ffn, long q, long kv) => (4 * d) + (5 * q) + (3 * kv) + (3 * ffn);

    /// <summary>The same with plain operations, in bytes: norms and rotations also keep float32 copies.</summary>
    private static long KeptPlain(long d, long ffn, long q, long bytes) => (((3 * d) + (7 * q) + (4 * ffn)) * bytes) + (((4 * d) + (3 * q)) * 4);

    /// <summary>Float32, or bfloat16 for one micro-batch and a float32 sum where there are several.</summary>
    private static long GradientBytes(long trained, TrainingOptions options, bool half) => trained * (!half ? 4 : options.MicroRows < options.GlobalBatch ? 6 : 2);
}
