using Halo.Core;
using Halo.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Losses over the vocabulary without ever holding tokens x V in float32: tokens go in chunks, and the gradient of each chunk's logits is formed in
/// closed form while they exist. Shapes: N tokens, n tokens of a chunk, d hidden size, V vocabulary.
/// </summary>
internal static class ChunkedLoss
{
    private const long MostLogits = 1L << 28;

    /// <summary>Cross-entropy: scale * sum over tokens of -log softmax(h W^T)[label]; d/dlogits = scale * (softmax - onehot).</summary>
    /// <param name="hidden_Nd">Hidden states after the final norm, in the compute type; its gradient is returned, not accumulated.</param>
    /// <param name="head_Vd">The head's weight; when it requires a gradient, that is added to its <c>grad</c>.</param>
    /// <param name="labels_N">Int64 labels.</param>
    /// <param name="scale">Factor of the loss, 1/N for the mean.</param>
    /// <param name="chunk">Tokens whose logits exist at once.</param>
    /// <param name="headGradient_Vd">Takes the head's gradient in the place of its <c>grad</c>.</param>
    /// <returns>The loss (0-dimensional, float32 or wider) and its gradient with respect to <paramref name="hidden_Nd"/>.</returns>
    public static (Tensor Loss, Tensor HiddenGradient_Nd) CrossEntropy(Tensor hidden_Nd, Tensor head_Vd, Tensor labels_N, double scale, int chunk, Tensor? headGradient_Vd = null)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool fused = VocabularyLoss.Serves(hidden_Nd, head_Vd.shape[0]);
        chunk = fused ? TokensAtOnce(chunk, head_Vd.shape[0]) : chunk;
        var head = new HeadGradient(hidden_Nd, head_Vd, scale, headGradient_Vd, chunk);
        Tensor loss = zeros([], head.SumType, hidden_Nd.device);
        for (long start = 0; start < hidden_Nd.shape[0]; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(chunk, hidden_Nd.shape[0] - start);
            if (fused)
            {
                Tensor logits_nV = head.Logits(start, count);
                loss.add_(VocabularyLoss.CrossEntropy(logits_nV, labels_N.narrow(0, start, count)).sum());
                head.Backward(logits_nV, start, count);
                continue;
            }

            Tensor label_n1 = labels_N.narrow(0, start, count).unsqueeze(1);
            Tensor logProbability_nV = head.Logits(start, count).log_softmax(-1, head.SumType);
            loss.sub_(logProbability_nV.gather(1, label_n1).sum());
            Tensor difference_nV = logProbability_nV.exp_();
            AddAtLabels(difference_nV, label_n1, -1);
            head.Backward(difference_nV, start, count);
        }

        head.Finish();
        return (loss.mul_(scale).MoveToOuterDisposeScope(), head.Hidden_Nd.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Distillation: scale * sum over tokens of KL(teacher || student) + weight * cross-entropy, over the full vocabulary at temperature 1;
    /// d/dlogits = scale * (softmax_s - softmax_t + weight * (softmax_s - onehot)). The direction is the teacher's: sum_v p_t (log p_t - log p_s).
    /// </summary>
    /// <param name="hidden_Nd">The student's hidden states.</param>
    /// <param name="head_Vd">The student's head.</param>
    /// <param name="teacherHidden_Nd">The teacher's hidden states (its own d).</param>
    /// <param name="teacherHead_Vd">The teacher's head.</param>
    /// <param name="labels_N">Int64 labels.</param>
    /// <param name="crossEntropyWeight">Weight of the cross-entropy beside the KL; 0: not computed.</param>
    /// <param name="scale">Factor of the loss, 1/N for the mean.</param>
    /// <param name="chunk">Tokens whose logits exist at once.</param>
    /// <param name="headGradient_Vd">Takes the gradient of the student's head in the place of its <c>grad</c>.</param>
    /// <returns>The KL and the cross-entropy (scaled, unweighted, 0-dimensional) and the gradient of the whole with respect to <paramref name="hidden_Nd"/>.</returns>
    /// <exception cref="HaloException">The vocabularies differ.</exception>
    public static (Tensor Divergence, Tensor CrossEntropy, Tensor HiddenGradient_Nd) Distillation(
        Tensor hidden_Nd, Tensor head_Vd, Tensor teacherHidden_Nd, Tensor teacherHead_Vd, Tensor labels_N, double crossEntropyWeight, double scale, int chunk,
        Tensor? headGradient_Vd = null)
    {
        if (head_Vd.shape[0] != teacherHead_Vd.shape[0])
        {
            throw new HaloException($"the student has {head_Vd.shape[0]} vocabulary entries, the teacher {teacherHead_Vd.shape[0]}", "vocab_size", "distil between models of one vocabulary");
        }

        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool fused = VocabularyLoss.Serves(hidden_Nd, head_Vd.shape[0]) && teacherHidden_Nd.dtype == hidden_Nd.dtype;
        chunk = fused ? TokensAtOnce(chunk, head_Vd.shape[0]) : chunk;
        var head = new HeadGradient(hidden_Nd, head_Vd, scale, headGradient_Vd, chunk);
        Tensor teacherWeight_dV = teacherHead_Vd.to(teacherHidden_Nd.dtype).t();
        Tensor divergence = zeros([], head.SumType, hidden_Nd.device);
        Tensor crossEntropy = zeros([], head.SumType, hidden_Nd.device);
        for (long start = 0; start < hidden_Nd.shape[0]; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(chunk, hidden_Nd.shape[0] - start);
            if (fused)
            {
                Tensor logits_nV = head.Logits(start, count);
                Tensor target_nV = teacherHidden_Nd.narrow(0, start, count).mm(teacherWeight_dV);
                (Tensor divergence_n, Tensor loss_n) = VocabularyLoss.Distillation(logits_nV, target_nV, labels_N.narrow(0, start, count), crossEntropyWeight);
                target_nV.Dispose();
                divergence.add_(divergence_n.sum());
                if (crossEntropyWeight != 0)
                {
                    crossEntropy.add_(loss_n.sum());
                }

                head.Backward(logits_nV, start, count);
                continue;
            }

            Tensor teacher_nV = teacherHidden_Nd.narrow(0, start, count).mm(teacherWeight_dV).log_softmax(-1, head.SumType);
            Tensor student_nV = head.Logits(start, count).log_softmax(-1, head.SumType);
            Tensor label_n1 = labels_N.narrow(0, start, count).unsqueeze(1);
            if (crossEntropyWeight != 0)
            {
                crossEntropy.sub_(student_nV.gather(1, label_n1).sum());
            }

            Tensor teacherProbability_nV = teacher_nV.exp();
            divergence.add_(teacher_nV.sub_(student_nV).mul_(teacherProbability_nV).sum());
            Tensor difference_nV = student_nV.exp_();
            if (crossEntropyWeight != 0)
            {
                difference_nV.mul_(1 + crossEntropyWeight);
                AddAtLabels(difference_nV, label_n1, -crossEntropyWeight);
            }

            head.Backward(difference_nV.sub_(teacherProbability_nV), start, count);
        }

        head.Finish();
        divergence.mul_(scale).MoveToOuterDisposeScope();
        crossEntropy.mul_(scale).MoveToOuterDisposeScope();
        return (divergence, crossEntropy, head.Hidden_Nd.MoveToOuterDisposeScope());
    }

    /// <summary>Tokens of a chunk with kernels: as many as were asked for, and for small vocabularies as many as make 512 MB of logits, so that products are worth their launches; only the kernels need no further memory.</summary>
    public static int TokensAtOnce(int chunk, long vocabulary) => (int)Math.Max(chunk, MostLogits / vocabulary);

    private static void AddAtLabels(Tensor x_nV, Tensor label_n1, double value) =>
        x_nV.scatter_add_(1, label_n1, full([label_n1.shape[0], 1], value, x_nV.dtype, x_nV.device));
}
