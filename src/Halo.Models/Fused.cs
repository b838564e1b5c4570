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

    private const string Int8Script = """
        def int8_product(x: Tensor, w: Tensor, scale: Tensor) -> Tensor:
          return torch._weight_int8pack_mm(x, w, scale)

        """;

    private const string EmbeddingScript = """
        def rows(w: Tensor, ids: Tensor) -> Tensor:
          return torch.embedding(w, ids)

        """;

    // Above this many rows a product with the whole matrix is faster.
    private const long MostInt8Rows = 16;

    private static readonly Lazy<jit.CompilationUnit?> Int8Unit = new(() => Compile(Int8Script));
    private static readonly Lazy<jit.CompilationUnit?> EmbeddingUnit = new(() => Compile(EmbeddingScript));
    private static readonly Lazy<jit.CompilationUnit?> Unit = new(() => Compile(Script));

    public static bool HasRmsNorm(Tensor x) => IsHalfOnCuda(x) && Unit.Value is not null;

    public static bool HasAttention(Tensor q) => IsHalfOnCuda(q) && Unit.Value is not null;

    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) => Unit.Value!.invoke<Tensor>("rms_norm", x, weight, epsilon);

    /// <summary>softmax(q k^T D^-1/2) v with (B,H,T,D) queries and (B,Hkv,S,D) keys and values; causal from the first key on.</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, bool causal) => Unit.Value!.invoke<Tensor>("attention", q, k, v, causal);

    /// <summary>Whether libtorch takes rows of a matrix with a backward pass that sums each row's gradients in float32, in a fixed order; that of index_select sums in their own type.</summary>
    public static bool HasEmbedding => EmbeddingUnit.Value is not null;

    /// <summary>Rows of (V,d) by int64 (N), (N,d).</summary>
    public static Tensor Embedding(Tensor weight_Vd, Tensor ids_N) => EmbeddingUnit.Value!.invoke<Tensor>("rows", weight_Vd, ids_N);

    /// <summary>Whether libtorch multiplies few rows with 8-bit weights faster than with the matrix that they stand for: in bfloat16 on a CPU.</summary>
    public static bool HasInt8Product(Tensor x) => x.device_type == DeviceType.CPU && x.dtype == ScalarType.BFloat16 && x.numel() / x.shape[^1] <= MostInt8Rows && Int8Unit.Value is not null;

    /// <summary>(M,K) times int8 (N,K), scaled by (N).</summary>
    public static Tensor Int8Product(Tensor x, Tensor codes, Tensor scale) => Int8Unit.Value!.invoke<Tensor>("int8_product", x, codes, scale);

    internal static bool IsHalfOnCuda(Tensor x) => x.device_type == DeviceType.CUDA && x.dtype is ScalarType.BFloat16 or ScalarType.Float16;

    /// <summary>Null where this libtorch lacks an operation or names it differently.</summary>
    internal static jit.CompilationUnit? Compile(string script)
    {
        try
        {
            return jit.compile(script);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return null;
        }
    }
}
