// Rows of logits over a vocabulary: cross-entropy and, with DISTILL, the divergence from a teacher's distribution, with the gradient of the
// logits written over them. One block a row, two passes: the first finds maxima and sums as it goes, the second writes the gradient.
#include "halo.cuh"

constexpr int N = Pack<bf16>::N;
constexpr float LOWEST = -3.0e38f;

// The largest logit so far and the sum of exp(logit - largest); what else is summed with these exponentials is scaled by the result.
__device__ __forceinline__ float raise(const float (&x)[N], float& top) {
    float most = x[0];
#pragma unroll
    for (int i = 1; i < N; i++) {
        most = fmaxf(most, x[i]);
    }
    if (most <= top) {
        return 1.0f;
    }
    float scale = __expf(top - most);
    top = most;
    return scale;
}

// student: (rows, width), becomes (1 + weight) softmax(s) - softmax(t) - weight onehot; without DISTILL softmax(s) - onehot.
extern "C" __global__ void __launch_bounds__(512) vocabulary_loss(
    bf16* student, const bf16* teacher, const i64* labels, float* divergence, float* cross_entropy, i64 width, float weight) {
    __shared__ float scratch[32];
    i64 row = blockIdx.x;
    bf16* s_row = student + row * width;
    i64 label = labels[row];
    float labelled = to_float(s_row[label]);
    int vectors = (int)(width / N);

    float s_top = LOWEST, s_sum = 0.0f;
#if DISTILL
    const bf16* t_row = teacher + row * width;
    float t_top = LOWEST, t_sum = 0.0f, difference = 0.0f;
#endif
#pragma unroll 2
    for (int v = threadIdx.x; v < vectors; v += blockDim.x) {
        float s[N];
        Pack<bf16>::load(s_row + (i64)v * N, s);
#if DISTILL
        float t[N];
        Pack<bf16>::load(t_row + (i64)v * N, t);
        float t_scale = raise(t, t_top);
        t_sum *= t_scale;
        difference *= t_scale;
#pragma unroll
        for (int i = 0; i < N; i++) {
            float p = __expf(t[i] - t_top);
            t_sum += p;
            difference = fmaf(p, t[i] - s[i], difference);
        }
#endif
        s_sum *= raise(s, s_top);
#pragma unroll
        for (int i = 0; i < N; i++) {
            s_sum += __expf(s[i] - s_top);
        }
    }

    float s_most = block_max(s_top, scratch);
    float s_all = block_sum(s_sum * __expf(s_top - s_most), scratch);
    float s_log = s_most + logf(s_all);
#if DISTILL
    float t_most = block_max(t_top, scratch);
    float t_share = __expf(t_top - t_most);
    float t_all = block_sum(t_sum * t_share, scratch);
    float t_log = t_most + logf(t_all);
    float mean_difference = block_sum(difference * t_share, scratch) / t_all;
    float s_factor = 1.0f + weight, at_label = weight;
#else
    float s_factor = 1.0f, at_label = 1.0f;
#endif
    if (threadIdx.x == 0) {
        cross_entropy[row] = s_log - labelled;
#if DISTILL
        divergence[row] = mean_difference - t_log + s_log;
#endif
    }

#pragma unroll 2
    for (int v = threadIdx.x; v < vectors; v += blockDim.x) {
        float s[N];
        Pack<bf16>::load(s_row + (i64)v * N, s);
#if DISTILL
        float t[N];
        Pack<bf16>::load(t_row + (i64)v * N, t);
#endif
        int place = (int)(label - (i64)v * N);
#pragma unroll
        for (int i = 0; i < N; i++) {
            float g = s_factor * __expf(s[i] - s_log);
#if DISTILL
            g -= __expf(t[i] - t_log);
#endif
            s[i] = i == place ? g - at_label : g;
        }
        Pack<bf16>::store(s_row + (i64)v * N, s);
    }
}
