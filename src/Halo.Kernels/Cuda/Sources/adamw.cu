// AdamW over flat buffers: clipping, moments, decay and step in one pass, and the weights in bfloat16 where COPY. A step whose norm or loss is
// not finite changes nothing. Counts are multiples of 8, buffers start at multiples of 16 bytes.
#include "halo.cuh"

typedef GRADIENT G;

__device__ __forceinline__ void load8(const float* from, float (&x)[8]) {
    float4 a = reinterpret_cast<const float4*>(from)[0], b = reinterpret_cast<const float4*>(from)[1];
    x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
}

__device__ __forceinline__ void load8(const bf16* from, float (&x)[8]) { Pack<bf16>::load(from, x); }

__device__ __forceinline__ void store8(float* to, const float (&x)[8]) {
    float4 a, b;
    a.x = x[0], a.y = x[1], a.z = x[2], a.w = x[3], b.x = x[4], b.y = x[5], b.z = x[6], b.w = x[7];
    reinterpret_cast<float4*>(to)[0] = a;
    reinterpret_cast<float4*>(to)[1] = b;
}

extern "C" __global__ void __launch_bounds__(256) adamw(
    float* master, float* first, float* second, const G* gradient, bf16* copy, const float* norm, const float* loss, i64 count,
    float clip, float keep, float rate1, float rate2, float epsilon, float step_size) {
    float total = *norm, sign = total + *loss;
    if (!(sign - sign == 0.0f)) {
        return;
    }
    i64 at = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 8;
    if (at >= count) {
        return;
    }
    float coefficient = clip > 0.0f ? fminf(1.0f, clip / (total + 1e-6f)) : 1.0f;
    float w[8], m[8], v[8], g[8];
    load8(master + at, w);
    load8(first + at, m);
    load8(second + at, v);
    load8(gradient + at, g);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        float x = g[i] * coefficient;
        m[i] = fmaf(rate1, x - m[i], m[i]);
        v[i] = fmaf(rate2 * x, x, v[i] * (1.0f - rate2));
        w[i] = w[i] * keep - step_size * m[i] / (sqrtf(v[i]) + epsilon);
    }
    store8(master + at, w);
    store8(first + at, m);
    store8(second + at, v);
#if COPY
    Pack<bf16>::store(copy + at, w);
#endif
}
