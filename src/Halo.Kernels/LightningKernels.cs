using System.Globalization;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>Lightning attention through <c>lightning.cu</c>: bfloat16 inputs, state in float32, all segments of a row at once.</summary>
/// <remarks>
/// With <c>A_ts = e^{-m(t-s)}</c> the gradients are the same sum again: dq_t = c sum_{s&lt;=t} A_ts (do_t v_s) k_s runs forward in time,
/// dk_s = c sum_{t&gt;=s} A_ts (v_s do_t) q_t and dv_s = c sum_{t&gt;=s} A_ts (k_s q_t) do_t run backward. One launch does the three.
/// </remarks>
internal static class LightningKernels
{
    /// <summary>Whether the kernel does these inputs: bfloat16 on a card, D of 64 or 128, slopes up to 1 (as <see cref="Lightning.Slopes"/> gives them).</summary>
    public static bool Serves(Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes)
    {
        long[] shape = q_BTHD.shape;
        return q_BTHD.dtype == ScalarType.BFloat16 && shape is [> 0 and < 65536, > 0 and < int.MaxValue / 2, _, 64 or 128] && CudaKernels.Serve(q_BTHD)
            && k_BTHD.dtype == ScalarType.BFloat16 && v_BTHD.dtype == ScalarType.BFloat16 && shape.SequenceEqual(k_BTHD.shape) && shape.SequenceEqual(v_BTHD.shape)
            && slopes.Length == shape[2] && Array.TrueForAll(slopes, slope => slope is > 0 and <= 1);
    }

    /// <summary>As <see cref="Lightning.Chunked"/>, for inputs that <see cref="Serves"/> lets through.</summary>
    public static (Tensor O_BTHD, Tensor? State_BHDD) Forward(
        Tensor q_BTHD, Tensor k_BTHD, Tensor v_BTHD, double[] slopes, double scale, Tensor? state_BHDD, Tensor? resets_BT, bool wantState)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] outputs = Differentiable.Apply(
            [q_BTHD, k_BTHD, v_BTHD, state_BHDD],
            _ =>
            {
                Tensor q = q_BTHD.contiguous(), k = k_BTHD.contiguous(), v = v_BTHD.contiguous(), o = empty_like(q);
                Tensor? before = state_BHDD?.to(ScalarType.Float32).contiguous();
                Tensor? documents = resets_BT?.cumsum(1).to(ScalarType.Int32).contiguous();
                Tensor? final = wantState ? State(q) : null;
                Launch([new(q, k, v, o, before, final, false)], documents, slopes, scale);
                return (final is null ? [o] : [o, final], [q, k, v, before, documents]);
            },
            (node, gradients) => Backward(node, gradients[0], gradients.Length > 1 ? gradients[1] : null, slopes, scale));
        return (outputs[0].MoveToOuterDisposeScope(), outputs.Length > 1 ? outputs[1].MoveToOuterDisposeScope() : null);
    }

    private static Tensor?[] Backward(DifferentiableNode node, Tensor? gradient, Tensor? stateGradient, double[] slopes, double scale)
    {
        Tensor q = node.Saved[0]!, k = node.Saved[1]!, v = node.Saved[2]!;
        Tensor? before = node.Saved[3], documents = node.Saved[4];
        Tensor d_o = gradient is null ? zeros_like(q) : gradient.contiguous();
        Tensor dq = empty_like(q), dk = empty_like(q), dv = empty_like(q);

        // Backward in time the state starts as dS_T / (c e^-m): its first decay and the scale of the outputs give dS_T its factor of 1.
        Tensor factor_H11 = (tensor(slopes, ScalarType.Float64).neg().exp() * scale).to(ScalarType.Float32, q.device).view(-1, 1, 1);
        Tensor? start = stateGradient is null ? null : (stateGradient / factor_H11).contiguous();
        bool wantState = before is not null && node.Needs(3);
        Tensor? end = wantState ? State(q) : null;
        Launch(
            [
                new(d_o, v, k, dq, before?.transpose(-1, -2).contiguous(), null, false),
                new(v, d_o, q, dk, start?.transpose(-1, -2).contiguous(), null, true),
                new(k, q, d_o, dv, start, end, true),
            ],
            documents, slopes, scale);
        if (end is not null)
        {
            end = end * factor_H11;
            if (documents is not null)
            {
                end = end * (documents.select(1, 0) == 0).view(-1, 1, 1, 1);
            }
        }

        return [dq, dk, dv, end];
    }

    private static void Launch(ReadOnlySpan<Pass> passes, Tensor? documents, double[] slopes, double scale)
    {
        Tensor q = passes[0].Q;
        (long batch, long length, long heads, long size) = Lightning.Shape(q);
        (Tensor jobs, Tensor rates) = LightningDecay.Jobs(slopes, (int)length, batch * passes.Length, q.device);
        int warps = (int)size / 16, chunk = LightningPlan.Chunk;

        // Two stages of q, k and v, the scores of a chunk, 16 output rows of each warp (48 bytes each), the documents of two chunks.
        int shared = (6 * chunk * (int)size * 2) + (chunk * chunk * 2) + (warps * 16 * 48) + (2 * chunk * 4);
        CudaKernel kernel = CudaKernel.Get(
            "lightning.cu", "lightning", ("D", size.ToString(CultureInfo.InvariantCulture)), ("DOCUMENTS", documents is null ? "0" : "1"), ("PASSES", passes.Length == 1 ? "1" : "3"));
        var grid = new KernelGrid(jobs.shape[0], batch, passes.Length);
        Pass a = passes[0];
        if (passes.Length == 1)
        {
            kernel.Launch(grid, warps * 32, shared, a.Q, a.K, a.V, a.O, a.Start, a.End, a.Direction, documents, rates, jobs, (int)length, (int)heads, (float)scale);
            return;
        }

        Pass b = passes[1], c = passes[2];
        kernel.Launch(
            grid, warps * 32, shared, a.Q, a.K, a.V, a.O, a.Start, a.End, a.Direction, b.Q, b.K, b.V, b.O, b.Start, b.End, b.Direction,
            c.Q, c.K, c.V, c.O, c.Start, c.End, c.Direction, documents, rates, jobs, (int)length, (int)heads, (float)scale);
    }

    private static Tensor State(Tensor q) => empty([q.shape[0], q.shape[2], q.shape[3], q.shape[3]], ScalarType.Float32, q.device);

    private sealed record Pass(Tensor Q, Tensor K, Tensor V, Tensor O, Tensor? Start, Tensor? End, bool Reversed)
    {
        public int Direction => Reversed ? 1 : 0;
    }
}
