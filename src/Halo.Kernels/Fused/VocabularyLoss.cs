using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// Losses over rows of logits whose gradients take the place of the logits, in one kernel: <c>-log softmax(s)[label]</c>, and
/// <c>KL(t || s) = sum_v p_t (t - s) - lse(t) + lse(s)</c>. Exponentials and sums are float32. n tokens, V vocabulary.
/// </summary>
internal static class VocabularyLoss
{
    private const int LargeVocabulary = 1 << 15;
    private static readonly CudaKernel Single = CudaKernel.Get("vocabulary_loss.cu", "vocabulary_loss", ("DISTILL", "0"));
    private static readonly CudaKernel Pair = CudaKernel.Get("vocabulary_loss.cu", "vocabulary_loss", ("DISTILL", "1"));

    /// <summary>Whether the kernels can do logits of a product of these hidden states with a head of <paramref name="vocabulary"/> rows.</summary>
    public static bool Serves(Tensor hidden, long vocabulary) => hidden.dtype == ScalarType.BFloat16 && vocabulary % 8 == 0 && CudaKernels.Serve(hidden);

    /// <summary>Cross-entropy of each row, float32 (n); <paramref name="logits_nV"/> becomes softmax - onehot.</summary>
    public static Tensor CrossEntropy(Tensor logits_nV, Tensor labels_n)
    {
        Tensor loss_n = Sums(logits_nV);
        Launch(Single, logits_nV, null, labels_n, null, loss_n, 0);
        return loss_n;
    }

    /// <summary>
    /// Divergence and cross-entropy of each row, float32 (n); <paramref name="student_nV"/> becomes
    /// (1 + weight) softmax(student) - softmax(teacher) - weight onehot.
    /// </summary>
    public static (Tensor Divergence_n, Tensor CrossEntropy_n) Distillation(Tensor student_nV, Tensor teacher_nV, Tensor labels_n, double weight)
    {
        Tensor divergence_n = Sums(student_nV), loss_n = Sums(student_nV);
        Launch(Pair, student_nV, teacher_nV, labels_n, divergence_n, loss_n, weight);
        return (divergence_n, loss_n);
    }

    private static Tensor Sums(Tensor logits_nV) => empty(logits_nV.shape[0], dtype: ScalarType.Float32, device: logits_nV.device);

    private static void Launch(CudaKernel kernel, Tensor student_nV, Tensor? teacher_nV, Tensor labels_n, Tensor? divergence_n, Tensor loss_n, double weight)
    {
        (long rows, long width) = (student_nV.shape[0], student_nV.shape[1]);
        int threads = width >= LargeVocabulary ? 512 : 256;
        kernel.Launch(rows, threads, 0, student_nV, teacher_nV, labels_n, divergence_n, loss_n, width, (float)weight);
    }
}
