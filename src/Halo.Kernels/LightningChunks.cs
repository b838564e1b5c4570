using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>The chunk form of Lightning attention over at most <see cref="MostChunks"/> chunks, in few batched products.</summary>
/// <remarks>N chunks, C tokens a chunk, M = N + 1 states: one at the start of each chunk and the final one.</remarks>
internal static class LightningChunks
{
    public const int MostChunks = 64;

    public static (Tensor O_BTHD, Tensor? State_BHDD) Run(
        Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes, double scale, Tensor? state_BHDD, Tensor? resets_BT, int chunk, bool wantState)
    {
        using DisposeScope scope = NewDisposeScope();
        (long batch, long length, long heads, long size) = Lightning.Shape(q_BTHD);
        ScalarType type = q_BTHD.dtype, exact = Lightning.StateType(q_BTHD);
        int chunks = (int)((length + chunk - 1) / chunk);

        // Missing places are in front: there zero keys leave the state as it is, and the last chunk ends with the last token.
        int pads = (chunks * chunk) - (int)length;
        Tensor q = Split(q_BTHD, chunks, chunk, pads), k = Split(k_BTHD, chunks, chunk, pads), v = Split(v_BTHD, chunks, chunk, pads);
        Tensor? documents_BM = null, document_BNC = null;
        if (resets_BT is not null)
        {
            (document_BNC, documents_BM) = Documents(resets_BT, chunks, chunk, pads);
        }

        (Tensor within_H1CC, Tensor toEnd_H1C1) = LightningDecay.Chunk(slopes, scale, chunk, q.device, type, exact);
        Tensor scores_BHNCC = matmul(q, k.transpose(-2, -1)) * within_H1CC;
        if (document_BNC is not null)
        {
            scores_BHNCC = scores_BHNCC * (document_BNC.unsqueeze(-1) == document_BNC.unsqueeze(-2)).unsqueeze(1);
        }

        Tensor o_BHNCD = matmul(scores_BHNCC, v);
        Tensor? final = null;
        if (wantState || state_BHDD is not null || chunks > 1)
        {
            (Tensor fromStart_HNC1, Tensor between_HMM) = LightningDecay.Chunks(slopes, scale, chunk, chunks, pads, q.device, type, exact);
            if (document_BNC is not null)
            {
                toEnd_H1C1 = toEnd_H1C1 * (document_BNC == documents_BM!.narrow(1, 1, chunks).unsqueeze(-1)).view(batch, 1, chunks, chunk, 1);
                fromStart_HNC1 = fromStart_HNC1 * (document_BNC == documents_BM.narrow(1, 0, chunks).unsqueeze(-1)).view(batch, 1, chunks, chunk, 1);
                between_HMM = between_HMM * (documents_BM.unsqueeze(-1) == documents_BM.unsqueeze(-2)).unsqueeze(1);
            }

            // The last chunk's sum only matters for the final state.
            int summed = wantState ? chunks : chunks - 1;
            Tensor? sums = summed == 0 ? null : Sums(k, v, toEnd_H1C1, summed, exact);
            Tensor states_BHMDD = States(sums, state_BHDD?.to(exact), between_HMM, summed, [batch, heads, summed + 1, size, size]);
            if (state_BHDD is not null || chunks > 1)
            {
                Tensor read_BHNCD = matmul(q, states_BHMDD.narrow(2, 0, chunks).to(type));
                o_BHNCD = o_BHNCD.addcmul(read_BHNCD, fromStart_HNC1, 1);
            }

            final = wantState ? states_BHMDD.select(2, chunks).contiguous().MoveToOuterDisposeScope() : null;
        }

        Tensor o = o_BHNCD.permute(0, 2, 3, 1, 4).reshape(batch, chunks * chunk, heads, size);
        return ((pads == 0 ? o : o.narrow(1, pads, length)).MoveToOuterDisposeScope(), final);
    }

    /// <summary>Sum over a chunk of e^{-m(C-j)} k_j^T v_j, in the state's type: (B,H,n,D,D) for the first n chunks.</summary>
    private static Tensor Sums(Tensor k_BHNCD, Tensor v_BHNCD, Tensor toEnd, int summed, ScalarType exact)
    {
        Tensor decayed = k_BHNCD * toEnd;
        Tensor v = v_BHNCD.to(exact);
        if (summed < k_BHNCD.shape[2])
        {
            decayed = decayed.narrow(2, 0, summed);
            v = v.narrow(2, 0, summed);
        }

        return matmul(decayed.transpose(-2, -1), v);
    }

    /// <summary>States at the starts of chunks 0..n, each a decayed sum of the initial state and the chunks before it: one product.</summary>
    private static Tensor States(Tensor? sums, Tensor? initial_BHDD, Tensor between_HMM, int summed, long[] shape)
    {
        long states = summed + 1;
        Tensor sources;
        Tensor rows = between_HMM.narrow(-2, 0, states);
        if (initial_BHDD is null)
        {
            if (sums is null)
            {
                throw new InvalidOperationException("nothing to carry between chunks");
            }

            sources = sums;
            rows = rows.narrow(-1, 1, summed);
        }
        else
        {
            Tensor first = initial_BHDD.unsqueeze(2);
            sources = sums is null ? first : cat([first, sums], 2);
            rows = rows.narrow(-1, 0, states);
        }

        long flat = shape[^1] * shape[^2];
        return matmul(rows, sources.reshape(shape[0], shape[1], -1, flat)).view(shape);
    }

    private static Tensor Split(Tensor x_BTHD, int chunks, int chunk, int pads)
    {
        Tensor padded = pads == 0 ? x_BTHD : nn.functional.pad(x_BTHD, [0, 0, 0, 0, pads, 0]);
        long[] shape = padded.shape;
        return padded.reshape(shape[0], chunks, chunk, shape[2], shape[3]).permute(0, 3, 1, 2, 4).contiguous();
    }

    /// <summary>Ordinal of each token's document, 0 for the one the initial state belongs to, and that of each of the M states.</summary>
    private static (Tensor Document_BNC, Tensor Documents_BM) Documents(Tensor resets_BT, int chunks, int chunk, int pads)
    {
        Tensor ordinal_BT = resets_BT.to(ScalarType.Int64).cumsum(1);
        Tensor padded = pads == 0 ? ordinal_BT : nn.functional.pad(ordinal_BT, [pads, 0]);
        Tensor document_BNC = padded.view(-1, chunks, chunk);
        Tensor ends_BN = document_BNC.select(2, chunk - 1);
        return (document_BNC, cat([zeros_like(ends_BN.narrow(1, 0, 1)), ends_BN], 1));
    }
}
