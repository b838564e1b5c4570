// Lightning attention in decode_step.cu, and the heads that both mixers prepare.
#pragma once
#include "step.cuh"

// Pairs of a head by a warp: lane l has the values 2 l, 2 l + 1, 64 + 2 l, 65 + 2 l. Norm and rotation in float32, rounded to T at the end.
__device__ __forceinline__ void prepare_pairs(const uint2* from, u32 tag, const T* weight, float epsilon, const float* angles, float (&x)[4]) {
    int lane = threadIdx.x % 32;
    u32 low_weight = 0, high_weight = 0;
    if (weight != nullptr) {
        low_weight = reinterpret_cast<const u32*>(weight)[lane], high_weight = reinterpret_cast<const u32*>(weight)[32 + lane];
    }
    u32 low = await_pair(from + lane, tag), high = await_pair(from + 32 + lane, tag);
    x[0] = bf16_low(low), x[1] = bf16_high(low), x[2] = bf16_low(high), x[3] = bf16_high(high);
    if (weight != nullptr) {
        float scale = rsqrtf(warp_sum(x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + x[3] * x[3]) * (1.0f / D) + epsilon);
        x[0] *= scale * bf16_low(low_weight), x[1] *= scale * bf16_high(low_weight), x[2] *= scale * bf16_low(high_weight), x[3] *= scale * bf16_high(high_weight);
    }
    if (angles != nullptr) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float c = angles[2 * lane + i], s = angles[D / 2 + 2 * lane + i], a = x[i], b = x[i + 2];
            x[i] = a * c - b * s;
            x[i + 2] = b * c + a * s;
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        x[i] = rounded<T>(x[i]);
    }
}
__device__ __forceinline__ int place_of(int i) { return 2 * (threadIdx.x % 32) + (i & 1) + (i / 2) * (D / 2); }

// Lightning attention (decode_lightning.cu): a block does 16 columns of a head's state.
struct LightningShared {
    float angles[D], query[D], key[D], partial[WARPS][16];
};

__device__ __forceinline__ void lightning(const Layer& layer, LightningShared& s, const Words& words, u32 tag, int position, const float* slopes, float epsilon, float scale) {
    constexpr int COLS = 16, TASKS = D / COLS, ROWS = THREADS / 4, PASSES = D / ROWS;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = threadIdx.x / 4;
    for (int task = blockIdx.x; task < TASKS * LINEAR_HEADS; task += gridDim.x) {
        int column = task % TASKS * COLS + threadIdx.x % 4 * 4, head = task / TASKS, key_head = head * LINEAR_KEY_HEADS / LINEAR_HEADS;
        float* state = reinterpret_cast<float*>(layer.table[0]) + (i64)head * D * D + column;
        float4 value[PASSES];
#pragma unroll
        for (int i = 0; i < PASSES; i++) {
            value[i] = *reinterpret_cast<const float4*>(state + (first + ROWS * i) * D);
        }
        float decay = expf(-slopes[head]);
        if (layer.frequencies != nullptr && threadIdx.x < D / 2) {
            rotation(position, layer.frequencies[threadIdx.x], layer.rotary_factor, s.angles[threadIdx.x], s.angles[D / 2 + threadIdx.x]);
        }
        sync();
        if (warp < 2) {
            float x[4];
            prepare_pairs(words.projected + (warp == 0 ? head * D : layer.key_offset + key_head * D) / 2, tag - 1, warp == 0 ? layer.query_norm : layer.key_norm, epsilon, layer.frequencies == nullptr ? nullptr : s.angles, x);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                (warp == 0 ? s.query : s.key)[place_of(i)] = warp == 0 ? x[i] * scale : x[i];
            }
        }
        uint2 raw = await_four(words.projected + (layer.value_offset + key_head * D + column) / 2, tag - 1);
        float v[4] = {bf16_low(raw.x), bf16_high(raw.x), bf16_low(raw.y), bf16_high(raw.y)}, o[4] = {};
        sync();
#pragma unroll
        for (int i = 0; i < PASSES; i++) {
            float k = s.key[first + ROWS * i], q = s.query[first + ROWS * i];
            value[i] = make_float4(value[i].x * decay + k * v[0], value[i].y * decay + k * v[1], value[i].z * decay + k * v[2], value[i].w * decay + k * v[3]);
            *reinterpret_cast<float4*>(state + (first + ROWS * i) * D) = value[i];
            o[0] += q * value[i].x, o[1] += q * value[i].y, o[2] += q * value[i].z, o[3] += q * value[i].w;
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
            for (int step = 4; step < 32; step *= 2) {
                o[j] += __shfl_xor_sync(FULL_WARP, o[j], step);
            }
            if (lane < 4) {
                s.partial[warp][lane * 4 + j] = o[j];
            }
        }
        sync();
        if (threadIdx.x < COLS) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < WARPS; i++) {
                sum += s.partial[i][threadIdx.x];
            }
            u32 pair = bf16_pair(sum, __shfl_xor_sync(0xffffu, sum, 1));
            if (threadIdx.x % 2 == 0) {
                leave(words.mixed + (head * D + task % TASKS * COLS + threadIdx.x) / 2, pair, tag);
            }
        }
    }
}
