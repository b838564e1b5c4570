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

    // Attention that also gives the logarithm of the sum of its exponentials, so that the parts of a row can be joined.
    private const string PartScript = """
        def part_cpu(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
          o, l = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal)
          return o, l

        def part_cuda(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
          o, l, a, b, c, d, e, f, g = torch._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False)
          return o, l

        """;

    private const string Int8Script = """
        def int8_product(x: Tensor, w: Tensor, scale: Tensor) -> Tensor:
          return torch._weight_int8pack_mm(x, w, scale)

        """;

    // Above this many rows a product with the whole matrix is faster.
    private const long MostInt8Rows = 16;

    private static readonly Lazy<jit.CompilationUnit?> Int8Unit = new(() => Compile(Int8Script));
    private static readonly Lazy<jit.CompilationUnit?> Unit = new(() => Compile(Script));
    private static readonly Lazy<jit.CompilationUnit?> PartUnit = new(() => Compile(PartScript));

    public static bool HasRmsNorm(Tensor x) => IsHalfOnCuda(x) && Unit.Value is not null;

    public static bool HasAttention(Tensor q) => IsHalfOnCuda(q) && Unit.Value is not null;

    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) => Unit.Value!.invoke<Tensor>("rms_norm", x, weight, epsilon);

    /// <summary>softmax(q k^T D^-1/2) v with (B,H,T,D) queries and (B,Hkv,S,D) keys and values; causal from the first key on.</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, bool causal) => Unit.Value!.invoke<Tensor>("attention", q, k, v, causal);

    /// <summary>Whether libtorch multiplies few rows with 8-bit weights faster than with the matrix that they stand for: in bfloat16 on a CPU.</summary>
    public static bool HasInt8Product(Tensor x) => x.device_type == DeviceType.CPU && x.dtype == ScalarType.BFloat16 && x.numel() / x.shape[^1] <= MostInt8Rows && Int8Unit.Value is not null;

    /// <summary>(M,K) times int8 (N,K), scaled by (N).</summary>
    public static Tensor Int8Product(Tensor x, Tensor codes, Tensor scale) => Int8Unit.Value!.invoke<Tensor>("int8_product", x, codes, scale);

    /// <summary>Whether <see cref="Part"/> can be had: flash attention, on a CPU in any type.</summary>
    public static bool HasPart(Tensor q) => (IsHalfOnCuda(q) || (q.device_type == DeviceType.CPU && q.dtype != ScalarType.Float64)) && PartUnit.Value is not null;

    /// <summary>softmax(q k^T D^-1/2) v of (B,H,T,D) queries over (B,H,S,D) keys and values, and ln of the sums of exponentials, float32 (B,H,T).</summary>
    public static (Tensor O_BHTD, Tensor Sum_BHT) Part(Tensor q, Tensor k, Tensor v, bool causal)
    {
        var parts = PartUnit.Value!.invoke<object>(q.device_type == DeviceType.CPU ? "part_cpu" : "part_cuda", q, k, v, causal);
        return parts is (Tensor o, Tensor sum) ? (o, sum) : throw new InvalidOperationException("attention gave no pair");
    }

    private static bool IsHalfOnCuda(Tensor x) => x.device_type == DeviceType.CUDA && x.dtype is ScalarType.BFloat16 or ScalarType.Float16;

    private static jit.CompilationUnit? Compile(string script)
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
