using Halo.Models;

namespace Halo.Training;

/// <summary>
/// Bytes that a training stage needs, by part: exact for what is held through the run, an estimate for what a step makes.
/// </summary>
/// <param name="Weights">Float32 master weights of what is trained, their copies in bfloat16 where products are, and the rest of the student.</param>
/// <param name="Gradients">Gradients: float32; bfloat16 on a GPU where an update has one micro-batch.</param>
/// <param name="Moments">AdamW's two float32 states.</param>
/// <param name="Teacher">The teacher's weights in the compute type.</param>
/// <param name="Activations">What the backward pass keeps of one micro-batch, and what it makes beside that.</param>
/// <param name="LossChunk">Logits of a chunk and what is made of them.</param>
/// <param name="Libraries">What the libraries load onto a GPU beside its context: code of kernels, workspaces of matrix products. 0 on the CPU.</param>
public sealed record MemoryEstimate(long Weights, long Gradients, long Moments, long Teacher, long Activations, long LossChunk, long Libraries)
{
    // Workspaces of 32 MiB for each of two or three threads that multiply matrices; the rest is code.
    private const long OfLibraries = 350_000_000;

    /// <summary>All together.</summary>
    public long Total => Held + Activations + LossChunk + Libraries;

    /// <summary>What is held through the run.</summary>
    public long Held => Weights + Gradients + Moments + Teacher;

    /// <summary>Estimates a stage.</summary>
    /// <param name="model">What is trained.</param>
    /// <param name="options">Global and micro-batch, row length, recomputation and loss chunk are read.</param>
    /// <param name="computeBytes">Bytes of a number of the compute type: 2 for bfloat16 on a GPU, with its kernels; 4 for float32.</param>
    /// <param name="trained">Trained numbers; null for the whole model. Fewer than the model has, with a teacher, mean alignment: one layer at a time.</param>
    /// <param name="teacher">The teacher, where the stage has one.</param>
    public static MemoryEstimate Of(ModelConfiguration model, TrainingOptions options, int computeBytes, long? trained = null, ModelConfiguration? teacher = null)
    {
        long all = CausalLm.ParameterCount(model);
        long own = trained ?? all;
        bool half = computeBytes < 4;
        bool alignment = own < all && teacher is not null;
        (long activations, long loss) = alignment ? (Alignment(model, options, half), 0) : Distillation(model, options, computeBytes, teacher is not null);

        // Alignment holds the whole student in float32.
        long rest = (all - own) * (alignment ? 4 : computeBytes);
        long gradient = half && !Accumulates(options) ? 2 : 4;
        return new MemoryEstimate(
            rest + (own * (half ? 4 + computeBytes : 4)), own * gradient, own * 8, teacher is null ? 0 : CausalLm.ParameterCount(teacher) * computeBytes,
            activations, loss, half ? OfLibraries : 0);
    }

    /// <summary>Tokens of a micro-batch; what no machine holds counts as one number, so that no product overflows.</summary>
    private static long Tokens(TrainingOptions options) => Math.Min((long)options.MicroRows * options.RowLength, 100_000_000_000);

    private static bool Accumulates(TrainingOptions options) => options.MicroRows < options.GlobalBatch;

    /// <summary>Activations and loss of a pass through the whole student.</summary>
    private static (long Activations, long Loss) Distillation(ModelConfiguration model, TrainingOptions options, int computeBytes, bool taught)
    {
        long tokens = Tokens(options);
        long d = model.HiddenSize, ffn = model.IntermediateSize, vocabulary = model.VocabSize;
        bool half = computeBytes < 4;
        long[] layers = [.. model.MixerTypes.Select(mixer => tokens * (half ? (MlpKept(d, ffn) + MixerKept(d, Heads(model, mixer))) * computeBytes : KeptPlain(d, ffn, Heads(model, mixer).Queries)))];

        // A backward pass of one layer makes the gradients of the MLP's three tensors and of the residual stream.
        long backward = tokens * ((3 * ffn) + (2 * d)) * computeBytes;

        // With recomputation the inputs of layers are kept; in any case final states, their gradient, and the teacher's.
        long ends = tokens * d * computeBytes * (taught ? 3 : 2);
        long kept = options.Recompute ? (layers.Length + 1) * tokens * d * computeBytes : layers.Sum();
        long later = options.Recompute ? layers.Max() + backward : backward;

        // Kernels need logits in the compute type alone; plain operations also log-softmax, probabilities and gradient in float32.
        long chunk = Math.Min(half ? ChunkedLoss.TokensAtOnce(options.LossChunk, vocabulary) : options.LossChunk, tokens);
        long logits = chunk * vocabulary * (half ? computeBytes : computeBytes + 8) * (taught ? 2 : 1);

        // A chunk's gradient of the head in the compute type; a float32 sum of them where the gradient is not float32 itself.
        long head = vocabulary * d * (computeBytes + (half && !Accumulates(options) && chunk < tokens ? 4 : 0));
        long loss = logits + head;
        return (kept + ends + Math.Max(0, later - loss), loss);
    }

    /// <summary>Activations where one layer's mixer learns at a time.</summary>
    private static long Alignment(ModelConfiguration model, TrainingOptions options, bool half)
    {
        long tokens = Tokens(options);
        long d = model.HiddenSize, ffn = model.IntermediateSize;
        if (!half)
        {
            return tokens * model.MixerTypes.Max(mixer => KeptPlain(d, ffn, Heads(model, mixer).Queries) + (((3 * ffn) + (2 * d)) * 4));
        }

        // The teacher's residual stream, normed input and target; beside them its MLP, or the student's mixer with loss and backward pass.
        // The loss makes three float32 copies and a gradient beside the target in float32.
        long stream = 3 * d * 2, mlp = ((3 * ffn) + (2 * d)) * 2, loss = 18 * d;
        long graph = model.MixerTypes.Max(mixer => MixerKept(d, Heads(model, mixer)) * 2), backward = model.MixerTypes.Max(mixer => 5 * Heads(model, mixer).Queries * 2);
        bool beside = SecondThread.PaysOnGpu(tokens * d, usual: true);
        return tokens * (stream + (beside ? (AlignmentBackward.MostGraphs * (graph + (2 * d * 2))) + loss + backward + mlp : Math.Max(graph + loss + backward, mlp)));
    }

    private static (long Queries, long Keys) Heads(ModelConfiguration model, MixerType mixer) => mixer == MixerType.Lightning
        ? ((long)model.LightningNh * model.LightningHeadDim, (long)model.LightningNkv * model.LightningHeadDim)
        : ((long)model.NumAttentionHeads * model.HeadDim, (long)model.NumKeyValueHeads * model.HeadDim);

    /// <summary>Numbers kept of a token with kernels: the normed input; queries and keys before and after rotation, values, the mixer's output, its gate and what is multiplied with Wo.</summary>
    private static long MixerKept(long d, (long Queries, long Keys) heads) => d + (5 * heads.Queries) + (3 * heads.Keys);

    /// <summary>The residual stream before and after the mixer, the normed input of the MLP; gate, up and their product.</summary>
    private static long MlpKept(long d, long ffn) => (3 * d) + (3 * ffn);

    /// <summary>Bytes kept of a token with plain operations in float32: norms and rotations also keep copies.</summary>
    private static long KeptPlain(long d, long ffn, long q) => ((7 * d) + (10 * q) + (4 * ffn)) * 4;
}
