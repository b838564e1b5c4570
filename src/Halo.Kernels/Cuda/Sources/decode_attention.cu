// One token of softmax attention: norm, rotation and scaling of q and k, the new key and value behind the old ones, and attention of the GROUP query heads
// of a key/value head over all of them at once. The tokens are divided among gridDim.x blocks (split-KV); the last one to end joins their parts by
// their log-sum-exp. Grid (splits, key heads, batch), 256 threads.
// CACHE_KIND: 0 keys and values of type ELEMENT; 1 8-bit codes with a float32 scale for each token and head.
#include "softmax.cuh"

#if CACHE_KIND == 1
typedef u8 Code;
#else
typedef T Code;
#endif

constexpr int N = Unpack<Code>::N;      // values in 16 bytes
constexpr int LANES = D / N;            // that share a token
constexpr int TOKENS = 32 / LANES;      // of a warp at once
constexpr int FLIGHT = 4;               // times that, asked for ahead
constexpr int WARPS = 8;
constexpr int STEP = WARPS * TOKENS * FLIGHT;

static_assert(D % N == 0 && LANES <= 32 && D % 64 == 0, "the head dimension does not fit");

// Keeps a new key or value, D values, behind the old ones. A warp does it: lane l holds the values l, l + 32, ...
__device__ __forceinline__ void append(const float (&x)[D / 32], i64 base, i64 scales, i64 token) {
    int lane = threadIdx.x % 32;
#if CACHE_KIND == 1
    float most = 0.0f;
#pragma unroll
    for (int i = 0; i < D / 32; i++) {
        most = fmaxf(most, fabsf(x[i]));
    }
    float scale = fmaxf(warp_max(most), 1e-12f) / 127.0f;
    if (lane == 0) {
        reinterpret_cast<float*>(scales)[token] = scale;
    }
#pragma unroll
    for (int i = 0; i < D / 32; i++) {
        reinterpret_cast<signed char*>(base)[token * D + lane + 32 * i] = (signed char)__float2int_rn(x[i] / scale);
    }
#else
#pragma unroll
    for (int i = 0; i < D / 32; i++) {
        reinterpret_cast<T*>(base)[token * D + lane + 32 * i] = from_float<T>(x[i]);
    }
#endif
}

// What attention reads of a value that was appended.
__device__ __forceinline__ void as_kept(float (&x)[D / 32]) {
#if CACHE_KIND == 1
    float most = 0.0f;
#pragma unroll
    for (int i = 0; i < D / 32; i++) {
        most = fmaxf(most, fabsf(x[i]));
    }
    float scale = fmaxf(warp_max(most), 1e-12f) / 127.0f;
#pragma unroll
    for (int i = 0; i < D / 32; i++) {
        x[i] = rintf(x[i] / scale) * scale;
    }
#endif
}

extern "C" __global__ void __launch_bounds__(256, GROUP <= 4 ? 2 : 1)
decode_attention(const T* p, i64 stride, int key_offset, int value_offset, int key_heads, const T* q_norm, const T* k_norm, float epsilon,
                 const float* frequencies, float rotary_factor, const Place* table, const int* positions, float softmax_scale, float logit_base, float logit_constant,
                 float* partial, int* counters, T* output, i64 output_stride) {
    __shared__ float angles[D], query[GROUP][D], new_key[D], new_value[D], parts[WARPS][GROUP][PART];
    __shared__ bool is_last;
    int split = blockIdx.x, splits = gridDim.x, key_head = blockIdx.y, row = blockIdx.z;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = lane % LANES * N;
    int length = max(0, positions[row]); // places of a batch that nobody uses have -1
    Place place = table[row];
    int each = ((length + splits - 1) / splits + TOKENS * FLIGHT - 1) / (TOKENS * FLIGHT) * (TOKENS * FLIGHT);
    int begin = min(length, split * each), end = min(length, begin + each);
    bool newest = split == splits - 1; // whose block also does the new token
    i64 first_token = key_head * place.capacity;
    const Code* keys = reinterpret_cast<const Code*>(place.keys) + first_token * D + column;
    const Code* values = reinterpret_cast<const Code*>(place.values) + first_token * D + column;
    const float* key_scales = reinterpret_cast<const float*>(place.key_scales) + first_token;
    const float* value_scales = reinterpret_cast<const float*>(place.value_scales) + first_token;

    uint4 k[FLIGHT], v[FLIGHT];
    float k_scale[FLIGHT], v_scale[FLIGHT];
    int token = begin + warp * TOKENS * FLIGHT + lane / LANES; // then every TOKENS-th of the warp's FLIGHT * TOKENS
    auto load_keys = [&](int from) {
#pragma unroll
        for (int u = 0; u < FLIGHT; u++) {
            i64 at = min(from + u * TOKENS, end - 1);
            k[u] = stream_load(keys + at * D);
            if (CACHE_KIND == 1) {
                k_scale[u] = key_scales[at];
            }
        }
    };
    auto load_values = [&](int from) {
#pragma unroll
        for (int u = 0; u < FLIGHT; u++) {
            i64 at = min(from + u * TOKENS, end - 1);
            v[u] = stream_load(values + at * D);
            if (CACHE_KIND == 1) {
                v_scale[u] = value_scales[at];
            }
        }
    };
    bool any = begin < end;
    if (any) {
        load_keys(token);
        load_values(token);
    }
    if (frequencies != nullptr && threadIdx.x < D / 2) {
        rotation(length, frequencies[threadIdx.x], rotary_factor, angles[threadIdx.x], angles[D / 2 + threadIdx.x]);
    }
    float logit_scale = logit_base > 0.0f ? logf((float)length + logit_base) / logf(logit_base) : logit_constant;
    __syncthreads();

    wait_for_others();
    let_others_start();
    p += row * stride;
    const float* turn = frequencies == nullptr ? nullptr : angles;
    for (int head = warp; head < GROUP + 2; head += WARPS) {
        float x[D / 32];
        if (head < GROUP) {
            prepare_head<D>(p + (key_head * GROUP + head) * D, q_norm, epsilon, turn, x);
#pragma unroll
            for (int i = 0; i < D / 32; i++) {
                // Scores are in units of ln 2, so that exp2 makes probabilities of them.
                query[head][lane + 32 * i] = rounded<T>(x[i] * logit_scale) * (softmax_scale * 1.4426950408889634f);
            }
        } else if (newest) {
            bool is_key = head == GROUP;
            if (is_key) {
                prepare_head<D>(p + key_offset + key_head * D, k_norm, epsilon, turn, x);
            } else {
                prepare_head<D>(p + value_offset + key_head * D, nullptr, epsilon, nullptr, x);
            }
            append(x, (is_key ? place.keys : place.values) + (i64)sizeof(Code) * first_token * D, (is_key ? place.key_scales : place.value_scales) + 4 * first_token, length);
            as_kept(x);
#pragma unroll
            for (int i = 0; i < D / 32; i++) {
                (is_key ? new_key : new_value)[lane + 32 * i] = x[i];
            }
        }
    }
    __syncthreads();

    Running<N> running[GROUP];
#pragma unroll
    for (int g = 0; g < GROUP; g++) {
        running[g].most = NOTHING;
        running[g].total = 0.0f;
#pragma unroll
        for (int j = 0; j < N; j++) {
            running[g].sum[j] = 0.0f;
        }
    }
    float q[GROUP][N];
#pragma unroll
    for (int g = 0; g < GROUP; g++) {
#pragma unroll
        for (int j = 0; j < N; j++) {
            q[g][j] = query[g][column + j];
        }
    }
    for (; any && token - lane / LANES < end; token += STEP) {
        float score[FLIGHT][GROUP];
#pragma unroll
        for (int u = 0; u < FLIGHT; u++) {
            float x[N];
            Unpack<Code>::floats(k[u], x);
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float sum = 0.0f;
#pragma unroll
                for (int j = 0; j < N; j++) {
                    sum = fmaf(q[g][j], x[j], sum);
                }
                sum = warp_sum<LANES>(sum);
                score[u][g] = token + u * TOKENS < end ? (CACHE_KIND == 1 ? sum * k_scale[u] : sum) : NOTHING;
            }
        }
        if (token - lane / LANES + STEP < end) {
            load_keys(token + STEP);
        }
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            float highest = running[g].most;
#pragma unroll
            for (int u = 0; u < FLIGHT; u++) {
                highest = fmaxf(highest, score[u][g]);
            }
            float shrink = exp2f(running[g].most - highest);
            running[g].most = highest;
            running[g].total *= shrink;
#pragma unroll
            for (int j = 0; j < N; j++) {
                running[g].sum[j] *= shrink;
            }
#pragma unroll
            for (int u = 0; u < FLIGHT; u++) {
                // What is beyond the end has no weight, also where nothing else was seen yet.
                score[u][g] = score[u][g] > 0.5f * NOTHING ? exp2f(score[u][g] - highest) : 0.0f;
                running[g].total += score[u][g];
            }
        }
#pragma unroll
        for (int u = 0; u < FLIGHT; u++) {
            float x[N];
            Unpack<Code>::floats(v[u], x);
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float weight = CACHE_KIND == 1 ? score[u][g] * v_scale[u] : score[u][g];
#pragma unroll
                for (int j = 0; j < N; j++) {
                    running[g].sum[j] = fmaf(weight, x[j], running[g].sum[j]);
                }
            }
        }
        if (token - lane / LANES + STEP < end) {
            load_values(token + STEP);
        }
    }

    // The new token is one more of warp 0's first group of lanes.
    if (newest && warp == 0) {
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            float sum = 0.0f;
#pragma unroll
            for (int j = 0; j < N; j++) {
                sum = fmaf(q[g][j], new_key[column + j], sum);
            }
            sum = warp_sum<LANES>(sum);
            running[g].join(lane < LANES ? sum : NOTHING, lane < LANES ? 1.0f : 0.0f, new_value + column, 1);
        }
    }

    // The groups of lanes of a warp, then the warps of the block.
#pragma unroll
    for (int g = 0; g < GROUP; g++) {
#pragma unroll
        for (int step = LANES; step < 32; step *= 2) {
            float most = __shfl_xor_sync(FULL_WARP, running[g].most, step), total = __shfl_xor_sync(FULL_WARP, running[g].total, step), sum[N];
#pragma unroll
            for (int j = 0; j < N; j++) {
                sum[j] = __shfl_xor_sync(FULL_WARP, running[g].sum[j], step);
            }
            running[g].join(most, total, sum, 1);
        }
        if (lane < LANES) {
#pragma unroll
            for (int j = 0; j < N; j++) {
                parts[warp][g][column + j] = running[g].sum[j];
            }
        }
        if (lane == 0) {
            parts[warp][g][D] = running[g].most;
            parts[warp][g][D + 1] = running[g].total;
        }
    }
    __syncthreads();
    i64 pair = (i64)row * key_heads + key_head;
    float* mine = partial + (pair * splits + split) * GROUP * PART;
    for (int i = threadIdx.x; i < GROUP * D; i += 256) {
        int g = i / D, d = i % D;
        Running<1> all = {parts[0][g][D], parts[0][g][D + 1], {parts[0][g][d]}};
#pragma unroll
        for (int w = 1; w < WARPS; w++) {
            all.join(parts[w][g][D], parts[w][g][D + 1], &parts[w][g][d], 1);
        }
        if (splits == 1) {
            output[row * output_stride + (key_head * GROUP + g) * D + d] = from_float<T>(all.sum[0] / all.total);
        } else {
            mine[g * PART + d] = all.sum[0];
            if (d == 0) {
                mine[g * PART + D] = all.most;
                mine[g * PART + D + 1] = all.total;
            }
        }
    }
    if (splits == 1) {
        return;
    }

    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        is_last = atomicAdd(counters + pair, 1) == splits - 1;
    }
    __syncthreads();
    if (!is_last) {
        return;
    }
    __threadfence();
    const float* all_parts = partial + pair * splits * GROUP * PART;
    for (int i = threadIdx.x; i < GROUP * D; i += 256) {
        int g = i / D, d = i % D;
        Running<1> all = {NOTHING, 0.0f, {0.0f}};
#pragma unroll 8
        for (int s = 0; s < splits; s++) {
            const float* other = all_parts + (s * GROUP + g) * PART;
            float sum = __ldcg(other + d);
            all.join(__ldcg(other + D), __ldcg(other + D + 1), &sum, 1);
        }
        output[row * output_stride + (key_head * GROUP + g) * D + d] = from_float<T>(all.sum[0] / all.total);
    }
    if (threadIdx.x == 0) {
        counters[pair] = 0;
    }
}
