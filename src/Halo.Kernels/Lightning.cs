using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// Lightning attention (arXiv 2401.04658; the form of HypeNet, arXiv 2601.22156) as plain tensor operations; the chunk form in bfloat16 on CUDA as one kernel:
/// <c>S_t = exp(-m_h) S_{t-1} + k_t^T v_t</c>, <c>o_t = c q_t S_t</c>; the current token is included, undecayed.
/// All forms give the same and are differentiable. Shapes: B batch, T tokens, H heads, D head dimension.
/// States are (B, H, D, D), rows by key dimension, float32 (float64 for float64 inputs).
/// A reset at t clears the state before token t: it marks the first token of a document.
/// </summary>
public static class Lightning
{
    /// <summary>The decay exponents m_h = 2^(-8h/H), h = 1..H; for H that is no power of two by the ALiBi rule. The same in every layer.</summary>
    /// <param name="heads">H, at least 1.</param>
    public static double[] Slopes(int heads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        int power = 1;
        while (power * 2 <= heads)
        {
            power *= 2;
        }

        // The slopes for the largest power of two below H, then every second slope, from the first, of the list for twice as many.
        IEnumerable<double> first = Enumerable.Range(1, power).Select(h => Math.Pow(2, -8.0 * h / power));
        IEnumerable<double> rest = Enumerable.Range(0, heads - power).Select(i => Math.Pow(2, -8.0 * ((2 * i) + 1) / (2 * power)));
        return [.. first, .. rest];
    }

    /// <summary>One token after another: the definition itself; for one token it is the decoding step.</summary>
    /// <param name="q_BTHD">Queries.</param>
    /// <param name="k_BTHD">Keys, as many heads as queries.</param>
    /// <param name="v_BTHD">Values, as many heads as queries.</param>
    /// <param name="slopes">m_h, one a head; must not be changed afterwards.</param>
    /// <param name="scale">c.</param>
    /// <param name="state_BHDD">State before the first token; null for zeros.</param>
    /// <param name="resets_BT">Boolean: clear the state before this token; null for never.</param>
    /// <returns>Outputs in the type of the queries, and the state after the last token.</returns>
    public static (Tensor O_BTHD, Tensor State_BHDD) Recurrent(
        Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes, double scale, Tensor? state_BHDD = null, Tensor? resets_BT = null)
    {
        using DisposeScope scope = NewDisposeScope();
        (long batch, long length, long heads, long size) = Shape(q_BTHD);
        ScalarType exact = StateType(q_BTHD);
        Tensor decay = LightningDecay.Step(slopes, q_BTHD.device, exact);
        Tensor q = q_BTHD.to(exact) * scale, k = k_BTHD.to(exact), v = v_BTHD.to(exact);
        Tensor state = state_BHDD ?? zeros([batch, heads, size, size], exact, q.device);
        var outputs = new Tensor[length];
        for (long t = 0; t < length; t++)
        {
            Tensor kept = resets_BT is null ? state : state * resets_BT[.., t].logical_not().view(batch, 1, 1, 1);
            Tensor k_BHD1 = k[.., t].unsqueeze(-1);
            Tensor v_BH1D = v[.., t].unsqueeze(-2);
            state = (kept * decay).addcmul(k_BHD1, v_BH1D, 1);
            outputs[t] = matmul(q[.., t].unsqueeze(-2), state).squeeze(-2);
        }

        Tensor o = (length == 1 ? outputs[0].unsqueeze(1) : stack(outputs, 1)).to(q_BTHD.dtype);
        return (o.MoveToOuterDisposeScope(), state.alias().MoveToOuterDisposeScope());
    }

    /// <summary>All pairs of tokens at once; memory grows with T squared.</summary>
    /// <inheritdoc cref="Recurrent" path="/param"/>
    /// <param name="q_BTHD">Queries.</param>
    /// <param name="k_BTHD">Keys.</param>
    /// <param name="v_BTHD">Values.</param>
    /// <param name="slopes">m_h.</param>
    /// <param name="scale">c.</param>
    /// <param name="state_BHDD">State before the first token; null for zeros.</param>
    /// <param name="resets_BT">Boolean: clear the state before this token; null for never.</param>
    /// <returns>Outputs and final state, as one chunk of T tokens gives them.</returns>
    public static (Tensor O_BTHD, Tensor State_BHDD) Parallel(
        Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes, double scale, Tensor? state_BHDD = null, Tensor? resets_BT = null)
    {
        (Tensor o, Tensor? state) = LightningChunks.Run(q_BTHD, k_BTHD, v_BTHD, slopes, scale, state_BHDD, resets_BT, (int)q_BTHD.shape[1], true);
        return (o, state!);
    }

    /// <summary>Chunks of C tokens: pairs within a chunk, states between chunks , the inter-chunk part as one product (arXiv 2401.04658, algorithm 1).</summary>
    /// <param name="q_BTHD">Queries.</param>
    /// <param name="k_BTHD">Keys, as many heads as queries.</param>
    /// <param name="v_BTHD">Values, as many heads as queries.</param>
    /// <param name="slopes">m_h, one a head; must not be changed afterwards.</param>
    /// <param name="scale">c.</param>
    /// <param name="state_BHDD">State before the first token; null for zeros.</param>
    /// <param name="resets_BT">Boolean: clear the state before this token; null for never.</param>
    /// <param name="chunk">C, tokens a chunk; any length of row is allowed.</param>
    /// <param name="wantState">False saves the work for the final state, which is then null.</param>
    /// <returns>Outputs in the type of the queries (products in that type, state and decays in float32), and the state after the last token.</returns>
    public static (Tensor O_BTHD, Tensor? State_BHDD) Chunked(
        Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes, double scale, Tensor? state_BHDD = null, Tensor? resets_BT = null,
        int chunk = 128, bool wantState = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunk, 1);
        if (LightningKernels.Serves(q_BTHD, k_BTHD, v_BTHD, slopes))
        {
            return LightningKernels.Forward(q_BTHD, k_BTHD, v_BTHD, slopes, scale, state_BHDD, resets_BT, wantState);
        }

        int length = (int)q_BTHD.shape[1];
        chunk = Math.Min(chunk, length);
        int block = LightningChunks.MostChunks * chunk;
        if (length <= block)
        {
            return LightningChunks.Run(q_BTHD, k_BTHD, v_BTHD, slopes, scale, state_BHDD, resets_BT, chunk, wantState);
        }

        // Long rows go in blocks that carry the state, so that the matrix of decays between chunks stays small.
        using DisposeScope scope = NewDisposeScope();
        var outputs = new List<Tensor>();
        Tensor? state = state_BHDD;
        for (int start = 0; start < length; start += block)
        {
            int count = Math.Min(block, length - start);
            (Tensor o, state) = LightningChunks.Run(
                q_BTHD.narrow(1, start, count), k_BTHD.narrow(1, start, count), v_BTHD.narrow(1, start, count), slopes, scale, state,
                resets_BT?.narrow(1, start, count), Math.Min(chunk, count), wantState || start + count < length);
            outputs.Add(o);
        }

        return (cat(outputs, 1).MoveToOuterDisposeScope(), state?.MoveToOuterDisposeScope());
    }

    internal static ScalarType StateType(Tensor q) => q.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    internal static (long Batch, long Length, long Heads, long Size) Shape(Tensor q_BTHD)
    {
        long[] shape = q_BTHD.shape;
        return shape is [var batch, var length, var heads, var size]
            ? (batch, length, heads, size)
            : throw new ArgumentException("queries must have the shape (B, T, H, D)", nameof(q_BTHD));
    }
}
