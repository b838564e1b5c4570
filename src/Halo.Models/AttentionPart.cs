using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// Attention over a part of the keys that also gives ln of the sum of its exponentials, so that parts can be joined. libtorch's kernels, reached through TorchScript:
/// flash attention, and on GPUs cuDNN's, nearly twice as fast there, where it shows that it gives the same.
/// </summary>
internal static class AttentionPart
{
    private const string FlashScript = """
        def part_cpu(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
          o, l = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal)
          return o, l

        def part_cuda(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
          o, l, a, b, c, d, e, f, g = torch._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False)
          return o, l

        """;

    private const string CudnnScript = """
        def part_cudnn(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tuple[Tensor, Tensor]:
          o, l, a, b, c, d, e, f, g = torch._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, causal, False)
          return o, l.view(o.size(0), o.size(1), o.size(2))

        """;

    // cuDNN makes a plan for each shape, which takes about 50 ms: worth its time for shapes that come again, or very large ones.
    private const long LeastForCudnn = 1L << 24;
    private const long LeastForAnyShape = 1L << 30;
    private const long UsualMultiple = 4096;

    private static readonly Lazy<jit.CompilationUnit?> Flash = new(() => Fused.Compile(FlashScript));
    private static readonly Lazy<jit.CompilationUnit?> Cudnn = new(() => Fused.Compile(CudnnScript));
    private static readonly Dictionary<(int Device, ScalarType Type, long Size, int Group), bool> CudnnAgrees = [];
    private static readonly Lock Gate = new();

    /// <summary>Whether this libtorch has the operations.</summary>
    public static bool IsKnown => Flash.Value is not null;

    /// <summary>Whether this libtorch has cuDNN's; the CPU build has the name of it.</summary>
    public static bool KnowsCudnn => Cudnn.Value is not null;

    /// <summary>Whether <see cref="Of"/> can be had: on a CPU in any type but float64, on a GPU in half precision.</summary>
    public static bool Has(Tensor q) => (Fused.IsHalfOnCuda(q) || (q.device_type == DeviceType.CPU && q.dtype != ScalarType.Float64)) && IsKnown;

    /// <summary>softmax(q k^T D^-1/2) v of (B,H,T,D) queries over (B,Hkv,S,D) keys and values, head floor(h Hkv / H) for query head h, and ln of the sums of exponentials, float32 (B,H,T).</summary>
    public static (Tensor O_BHTD, Tensor Sum_BHT) Of(Tensor q, Tensor k, Tensor v, bool causal)
    {
        int group = (int)(q.shape[1] / k.shape[1]);
        Tensor Whole(Tensor x) => HeadGroups.Repeat(x, 1, group);
        if (q.device_type == DeviceType.CPU)
        {
            return Invoke(Flash.Value!, "part_cpu", q, Whole(k), Whole(v), causal);
        }

        if (!IsForCudnn(q.shape[2], k.shape[2]) || !Agrees(q, 1))
        {
            return Invoke(Flash.Value!, "part_cuda", q, k, v, causal);
        }

        return group == 1 || Agrees(q, group) ? Invoke(Cudnn.Value!, "part_cudnn", q, k, v, causal) : Invoke(Cudnn.Value!, "part_cudnn", q, Whole(k), Whole(v), causal);
    }

    /// <summary>The length that queries (B,H,T,D) are better filled up to, so that their shape is one that comes again: twice the work in half the time, and no plan. T where there is nothing to gain.</summary>
    public static long UsualLength(Tensor q)
    {
        long length = q.shape[2];
        return q.device_type == DeviceType.CUDA && length is > UsualMultiple and < 2 * UsualMultiple ? 2 * UsualMultiple : length;
    }

    private static bool IsForCudnn(long queries, long keys) =>
        queries * keys >= LeastForAnyShape || (queries * keys >= LeastForCudnn && queries % UsualMultiple == 0 && keys % UsualMultiple == 0);

    private static (Tensor O_BHTD, Tensor Sum_BHT) Invoke(jit.CompilationUnit unit, string name, Tensor q, Tensor k, Tensor v, bool causal) =>
        unit.invoke<object>(name, q, k, v, causal) is (Tensor o, Tensor sum) ? (o, sum) : throw new InvalidOperationException("attention gave no pair");

    /// <summary>Whether cuDNN and flash attention give the same on a small example, tried once for each device, type, head size and number of query heads of a key head.</summary>
    private static bool Agrees(Tensor q, int group)
    {
        lock (Gate)
        {
            (int, ScalarType, long, int) key = (q.device_index, q.dtype, q.shape[3], group);
            if (!CudnnAgrees.TryGetValue(key, out bool agrees))
            {
                CudnnAgrees[key] = agrees = KnowsCudnn && Try(q, group);
            }

            return agrees;
        }
    }

    private static bool Try(Tensor like, int group)
    {
        try
        {
            using IDisposable constant = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor Wave(long heads, long length, double step) => (arange(heads * length * like.shape[3], ScalarType.Float32, like.device) * step).sin().mul(2).view(1, heads, length, like.shape[3]).to_type(like.dtype);
            Tensor q = Wave(4L * group, 64, 0.37), k = Wave(4, 128, 0.73), v = Wave(4, 128, 0.11);
            foreach (bool causal in new[] { false, true })
            {
                long keys = causal ? 64 : 128;
                Tensor someK = k.narrow(2, 0, keys), someV = v.narrow(2, 0, keys);
                (Tensor o1, Tensor sum1) = Invoke(Flash.Value!, "part_cuda", q, HeadGroups.Repeat(someK, 1, group), HeadGroups.Repeat(someV, 1, group), causal);
                (Tensor o2, Tensor sum2) = Invoke(Cudnn.Value!, "part_cudnn", q, someK, someV, causal);
                if (!((o1 - o2).abs().max().Number() < 0.05) || !((sum1 - sum2).abs().max().Number() < 0.05))
                {
                    return false;
                }
            }

            return true;
        }
        catch (ExternalException)
        {
            return false;
        }
    }

    private static float Number(this Tensor one) => one.to_type(ScalarType.Float32).item<float>();
}
