using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Operations of libtorch that TorchSharp does not name, reached through TorchScript. They are one kernel each on CUDA, with a fused
/// backward pass; where a libtorch lacks one, the plain operations take its place.
/// </summary>
internal static class Fused
{
    // The parser wants a newline at the end.
    private const string Script = """
        def rms_norm(x: Tensor, w: Tensor, eps: float) -> Tensor:
          return torch.rms_norm(x, [x.size(-1)], w, eps)

        def attention(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
          return torch.scaled_dot_product_attention(q, k, v, None, 0.0, causal, enable_gqa=True)

        """;

    private static readonly Lazy<jit.CompilationUnit?> Unit = new(Compile);

    public static bool HasRmsNorm(Tensor x) => IsHalfOnCuda(x) && Unit.Value is not null;

    public static bool HasAttention(Tensor q) => IsHalfOnCuda(q) && Unit.Value is not null;

    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) => Unit.Value!.invoke<Tensor>("rms_norm", x, weight, epsilon);

    /// <summary>softmax(q k^T D^-1/2) v with (B,H,T,D) queries and (B,Hkv,S,D) keys and values; causal from the first key on.</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, bool causal) => Unit.Value!.invoke<Tensor>("attention", q, k, v, causal);

    private static bool IsHalfOnCuda(Tensor x) => x.device_type == DeviceType.CUDA && x.dtype is ScalarType.BFloat16 or ScalarType.Float16;

    private static jit.CompilationUnit? Compile()
    {
        try
        {
            return jit.compile(Script);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return null;
        }
    }
}
