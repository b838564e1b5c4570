using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Halo.Kernels.Cpu;

/// <summary>
/// The Lightning recurrence of one head over new tokens: <c>S_t = e^{-m} S_{t-1} + k_t^T v_t</c>, <c>o_t = c q_t S_t</c>; S, (D,D) in float32, rows by key dimension.
/// A state stays in the nearest cache, so tokens are taken one after the other, two at a time; nothing is gained by chunks.
/// </summary>
internal static unsafe class LightningSteps
{
    /// <summary>Reads tokens of one head.</summary>
    /// <param name="state">S, changed.</param>
    /// <param name="size">D, a multiple of 16.</param>
    /// <param name="decay">e^{-m}.</param>
    /// <param name="scale">c.</param>
    /// <param name="q">Queries, (T,D) <paramref name="stride"/> apart.</param>
    /// <param name="k">Keys, the same.</param>
    /// <param name="v">Values, the same.</param>
    /// <param name="stride">From a token to the next in q, k and v.</param>
    /// <param name="o">Outputs, (T,D).</param>
    /// <param name="oStride">From a token to the next in <paramref name="o"/>.</param>
    /// <param name="tokens">T.</param>
    public static void Run(float* state, int size, float decay, float scale, float* q, float* k, float* v, int stride, float* o, int oStride, int tokens)
    {
        int token = 0;
        for (; token + 2 <= tokens; token += 2)
        {
            for (int column = 0; column < size; column += 16)
            {
                Two(state + column, size, decay, scale, q, k, v + column, stride, o + column, oStride);
            }

            q += 2 * stride;
            k += 2 * stride;
            v += 2 * stride;
            o += 2 * oStride;
        }

        if (token < tokens)
        {
            for (int column = 0; column < size; column += 16)
            {
                One(state + column, size, decay, scale, q, k, v + column, o + column);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* state, int size, float decay, float scale, float* q, float* k, float* v, float* o)
    {
        Vector512<float> e = Vector512.Create(decay), value = Vector512.Load(v), even = default, odd = default;
        for (int i = 0; i < size; i += 2, state += 2 * size)
        {
            Vector512<float> a = Vector512.MultiplyAddEstimate(Vector512.Load(state), e, value * k[i]);
            Vector512<float> b = Vector512.MultiplyAddEstimate(Vector512.Load(state + size), e, value * k[i + 1]);
            a.Store(state);
            b.Store(state + size);
            even = Vector512.MultiplyAddEstimate(a, Vector512.Create(q[i]), even);
            odd = Vector512.MultiplyAddEstimate(b, Vector512.Create(q[i + 1]), odd);
        }

        ((even + odd) * scale).Store(o);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(float* state, int size, float decay, float scale, float* q, float* k, float* v, int stride, float* o, int oStride)
    {
        Vector512<float> e = Vector512.Create(decay), v0 = Vector512.Load(v), v1 = Vector512.Load(v + stride), o0 = default, o1 = default, o2 = default, o3 = default;
        float* q1 = q + stride, k1 = k + stride;
        for (int i = 0; i < size; i += 2, state += 2 * size)
        {
            Vector512<float> a = Vector512.MultiplyAddEstimate(Vector512.Load(state), e, v0 * k[i]);
            Vector512<float> b = Vector512.MultiplyAddEstimate(Vector512.Load(state + size), e, v0 * k[i + 1]);
            o0 = Vector512.MultiplyAddEstimate(a, Vector512.Create(q[i]), o0);
            o1 = Vector512.MultiplyAddEstimate(b, Vector512.Create(q[i + 1]), o1);
            a = Vector512.MultiplyAddEstimate(a, e, v1 * k1[i]);
            b = Vector512.MultiplyAddEstimate(b, e, v1 * k1[i + 1]);
            o2 = Vector512.MultiplyAddEstimate(a, Vector512.Create(q1[i]), o2);
            o3 = Vector512.MultiplyAddEstimate(b, Vector512.Create(q1[i + 1]), o3);
            a.Store(state);
            b.Store(state + size);
        }

        ((o0 + o1) * scale).Store(o);
        ((o2 + o3) * scale).Store(o + oStride);
    }
}
