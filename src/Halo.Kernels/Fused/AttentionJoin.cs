using System.Collections.Concurrent;
using System.Numerics;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// Joins attention over a piece of the keys to that over other keys, in place and without gradients. With s and s' = ln of the sums of exponentials of both,
/// <c>o = o + (o' - o) sigmoid(s' - s)</c> and <c>s = ln(e^s + e^s')</c>. K key heads, N = H / K T: the query heads that share a key head behind one another as tokens.
/// </summary>
internal static class AttentionJoin
{
    private const int Threads = 256;
    private const int Warp = 32;
    private static readonly ConcurrentDictionary<(ScalarType, long), CudaKernel> Kernels = new();

    /// <summary>Whether the kernel does these inputs.</summary>
    public static bool Serves(Tensor o_BHTD, Tensor sum_BHT, Tensor piece_BKND, Tensor pieceSum_BKN)
    {
        if (!KernelInputs.Fit(o_BHTD) || piece_BKND.dtype != o_BHTD.dtype || sum_BHT.NumberOfElements >= int.MaxValue)
        {
            return false;
        }

        long size = o_BHTD.size(3), lanes = size / KernelInputs.Vector(o_BHTD.dtype);
        return lanes is >= 1 and <= Warp && BitOperations.IsPow2(lanes) && size == lanes * KernelInputs.Vector(o_BHTD.dtype)
            && KernelInputs.HasVectors(o_BHTD) && KernelInputs.HasVectors(piece_BKND) && IsSum(sum_BHT) && IsSum(pieceSum_BKN);
    }

    /// <summary>The kernel where it serves, else the reference.</summary>
    /// <param name="o_BHTD">Output over the other keys, becomes that over all.</param>
    /// <param name="sum_BHT">ln of its sums of exponentials, float32, becomes that over all.</param>
    /// <param name="piece_BKND">Output over the piece.</param>
    /// <param name="pieceSum_BKN">ln of its sums of exponentials, float32.</param>
    public static void Apply(Tensor o_BHTD, Tensor sum_BHT, Tensor piece_BKND, Tensor pieceSum_BKN)
    {
        if (!Serves(o_BHTD, sum_BHT, piece_BKND, pieceSum_BKN))
        {
            Plain(o_BHTD, sum_BHT, piece_BKND, pieceSum_BKN);
            return;
        }

        long rows = sum_BHT.NumberOfElements, heads = o_BHTD.size(1), length = o_BHTD.size(2), size = o_BHTD.size(3);
        int rowsABlock = Threads / ((int)size / KernelInputs.Vector(o_BHTD.dtype));
        CudaKernel kernel = Kernels.GetOrAdd((o_BHTD.dtype, size), key =>
            CudaKernel.Get("attention_join.cu", "attention_join", ("ELEMENT", KernelInputs.Name(key.Item1)), ("HEAD_DIM", $"{key.Item2}")));
        kernel.Launch(
            (rows + rowsABlock - 1) / rowsABlock, Threads, 0, o_BHTD, o_BHTD.stride(0), o_BHTD.stride(1), o_BHTD.stride(2), sum_BHT,
            piece_BKND, piece_BKND.stride(0), piece_BKND.stride(1), piece_BKND.stride(2), pieceSum_BKN, rows, (int)heads, (int)(heads / piece_BKND.size(1)), (int)length);
    }

    /// <summary>The reference.</summary>
    public static void Plain(Tensor o_BHTD, Tensor sum_BHT, Tensor piece_BKND, Tensor pieceSum_BKN)
    {
        using DisposeScope scope = NewDisposeScope();

        // A piece's share is 1 / (1 + exp(others - piece)).
        Tensor pieceSum_BHT = pieceSum_BKN.reshape(sum_BHT.shape), share_BHT = (pieceSum_BHT - sum_BHT).sigmoid();
        o_BHTD.lerp_(piece_BKND.reshape(o_BHTD.shape), share_BHT.unsqueeze(3).to_type(o_BHTD.dtype));
        sum_BHT.copy_(logaddexp(sum_BHT, pieceSum_BHT));
    }

    private static bool IsSum(Tensor sum) => sum.dtype == ScalarType.Float32 && sum.is_contiguous();
}
