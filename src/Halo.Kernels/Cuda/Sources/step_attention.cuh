// Softmax attention in decode_step.cu.
#pragma once
#include "step_lightning.cuh"
#include "softmax.cuh"

// Softmax attention (decode_attention.cu). The tokens of a head are divided among `splits` blocks, the last of which joins them.
struct AttentionShared {
    float angles[D], query[GROUP][D], new_key[D], new_value[D], parts[WARPS][GROUP][PART];
};

// Keeps a new key or value behind the old ones; it becomes what attention reads of it.
__device__ __forceinline__ void append(float (&x)[4], i64 base, i64 scales, i64 token) {
#if CACHE_KIND == 1
    float scale = fmaxf(warp_max(fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])))), 1e-12f) / 127.0f;
    if (threadIdx.x % 32 == 0) {
        reinterpret_cast<float*>(scales)[token] = scale;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        reinterpret_cast<signed char*>(base)[token * D + place_of(i)] = (signed char)__float2int_rn(x[i] / scale);
        x[i] = rintf(x[i] / scale) * scale;
    }
#else
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
        *reinterpret_cast<u32*>(reinterpret_cast<T*>(base) + token * D + place_of(i)) = bf16_pair(x[i], x[i + 1]);
    }
#endif
}

__device__ __forceinline__ void attention(const Layer& layer, AttentionShared& s, const Words& words, u32 tag, int length, float epsilon, float softmax_scale, float logit_base, float logit_constant, int splits, uint2* partial) {
    // Tokens asked for ahead: as many as registers hold; a spilled one would wait behind the weights that are on their way.
    constexpr int M = Unpack<Kept>::N, LANES = D / M, TOKENS = 32 / LANES, AHEAD = CACHE_KIND == 1 ? 2 : 3, STRIDE = WARPS * TOKENS * AHEAD;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = lane % LANES * M;
    for (int task = blockIdx.x; task < splits * KEY_HEADS; task += gridDim.x) {
        int split = task % splits, key_head = task / splits;
        Place place = *reinterpret_cast<const Place*>(layer.table);
        int each = ((length + splits - 1) / splits + TOKENS * AHEAD - 1) / (TOKENS * AHEAD) * (TOKENS * AHEAD), begin = min(length, split * each), end = min(length, begin + each);
        bool newest = split == splits - 1, any = begin < end; // the newest's block also does the new token
        i64 first_token = key_head * place.capacity;
        const Kept* keys = reinterpret_cast<const Kept*>(place.keys) + first_token * D + column;
        const Kept* values = reinterpret_cast<const Kept*>(place.values) + first_token * D + column;
        const float* key_scales = reinterpret_cast<const float*>(place.key_scales) + first_token;
        const float* value_scales = reinterpret_cast<const float*>(place.value_scales) + first_token;
        uint4 k[AHEAD], v[AHEAD];
        float k_scale[AHEAD], v_scale[AHEAD];
        int token = begin + warp * TOKENS * AHEAD + lane / LANES;
        auto load = [&](const Kept* from, const float* scales, uint4 (&raw)[AHEAD], float (&scale)[AHEAD], int first) {
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                i64 at = min(first + u * TOKENS, end - 1);
                raw[u] = stream_load(from + at * D);
                if (CACHE_KIND == 1) {
                    scale[u] = scales[at];
                }
            }
        };
        if (any) {
            load(keys, key_scales, k, k_scale, token);
            load(values, value_scales, v, v_scale, token);
        }
        if (layer.frequencies != nullptr && threadIdx.x < D / 2) {
            rotation(length, layer.frequencies[threadIdx.x], layer.rotary_factor, s.angles[threadIdx.x], s.angles[D / 2 + threadIdx.x]);
        }
        float logit_scale = logit_base > 0.0f ? logf((float)length + logit_base) / logf(logit_base) : logit_constant;
        sync();
        const float* turn = layer.frequencies == nullptr ? nullptr : s.angles;
        for (int head = warp; head < GROUP + 2; head += WARPS) {
            float x[4];
            if (head < GROUP) {
                prepare_pairs(words.projected + (key_head * GROUP + head) * D / 2, tag - 1, layer.query_norm, epsilon, turn, x);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    // Scores are in units of ln 2, so that exp2 makes probabilities of them.
                    s.query[head][place_of(i)] = rounded<T>(x[i] * logit_scale) * (softmax_scale * 1.4426950408889634f);
                }
            } else if (newest) {
                bool is_key = head == GROUP;
                prepare_pairs(words.projected + ((is_key ? layer.key_offset : layer.value_offset) + key_head * D) / 2, tag - 1, is_key ? layer.key_norm : nullptr, epsilon, is_key ? turn : nullptr, x);
                append(x, is_key ? place.keys : place.values, is_key ? place.key_scales : place.value_scales, first_token + length);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    (is_key ? s.new_key : s.new_value)[place_of(i)] = x[i];
                }
            }
        }
        sync();

        Running<M> running[GROUP];
        float q[GROUP][M];
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            running[g].most = NOTHING;
            running[g].total = 0.0f;
#pragma unroll
            for (int j = 0; j < M; j++) {
                running[g].sum[j] = 0.0f;
                q[g][j] = s.query[g][column + j];
            }
        }
#pragma unroll 1
        for (; any && token - lane / LANES < end; token += STRIDE) {
            float score[AHEAD][GROUP];
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                float x[M];
                Unpack<Kept>::floats(k[u], x);
#pragma unroll
                for (int g = 0; g < GROUP; g++) {
                    float sum = 0.0f;
#pragma unroll
                    for (int j = 0; j < M; j++) {
                        sum = fmaf(q[g][j], x[j], sum);
                    }
                    sum = warp_sum<LANES>(sum);
                    score[u][g] = token + u * TOKENS < end ? (CACHE_KIND == 1 ? sum * k_scale[u] : sum) : NOTHING;
                }
            }
            if (token - lane / LANES + STRIDE < end) {
                load(keys, key_scales, k, k_scale, token + STRIDE);
            }
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float highest = running[g].most;
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    highest = fmaxf(highest, score[u][g]);
                }
                float shrink = exp2f(running[g].most - highest);
                running[g].most = highest;
                running[g].total *= shrink;
#pragma unroll
                for (int j = 0; j < M; j++) {
                    running[g].sum[j] *= shrink;
                }
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    score[u][g] = score[u][g] > 0.5f * NOTHING ? exp2f(score[u][g] - highest) : 0.0f;
                    running[g].total += score[u][g];
                }
            }
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                float x[M];
                Unpack<Kept>::floats(v[u], x);
#pragma unroll
                for (int g = 0; g < GROUP; g++) {
                    float weight = CACHE_KIND == 1 ? score[u][g] * v_scale[u] : score[u][g];
#pragma unroll
                    for (int j = 0; j < M; j++) {
                        running[g].sum[j] = fmaf(weight, x[j], running[g].sum[j]);
                    }
                }
            }
            if (token - lane / LANES + STRIDE < end) {
                load(values, value_scales, v, v_scale, token + STRIDE);
            }
        }
        if (newest && warp == 0) {
            // The new token is one more of the first group of lanes.
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float sum = 0.0f;
#pragma unroll
                for (int j = 0; j < M; j++) {
                    sum = fmaf(q[g][j], s.new_key[column + j], sum);
                }
                sum = warp_sum<LANES>(sum);
                running[g].join(lane < LANES ? sum : NOTHING, lane < LANES ? 1.0f : 0.0f, s.new_value + column, 1);
            }
        }
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
#pragma unroll
            for (int step = LANES; step < 32; step *= 2) {
                float most = __shfl_xor_sync(FULL_WARP, running[g].most, step), total = __shfl_xor_sync(FULL_WARP, running[g].total, step), sum[M];
#pragma unroll
                for (int j = 0; j < M; j++) {
                    sum[j] = __shfl_xor_sync(FULL_WARP, running[g].sum[j], step);
                }
                running[g].join(most, total, sum, 1);
            }
            if (lane < LANES) {
#pragma unroll
                for (int j = 0; j < M; j++) {
                    s.parts[warp][g][column + j] = running[g].sum[j];
                }
            }
            if (lane == 0) {
                s.parts[warp][g][D] = running[g].most;
                s.parts[warp][g][D + 1] = running[g].total;
            }
        }
        sync();
        // A part that goes to another block: words of a float and the tag.
        for (int i = threadIdx.x; i < GROUP * D; i += THREADS) {
            int g = i / D, d = i % D;
            auto word = [&](int part, int c) { return partial + ((i64)(key_head * splits + part) * GROUP + g) * PART + c; };
            Running<1> all = {s.parts[0][g][D], s.parts[0][g][D + 1], {s.parts[0][g][d]}};
#pragma unroll
            for (int w = 1; w < WARPS; w++) {
                all.join(s.parts[w][g][D], s.parts[w][g][D + 1], &s.parts[w][g][d], 1);
            }
            if (!newest) {
                leave(word(split, d), __float_as_uint(all.sum[0]), tag);
                if (d == 0) {
                    leave(word(split, D), __float_as_uint(all.most), tag);
                    leave(word(split, D + 1), __float_as_uint(all.total), tag);
                }
                continue;
            }
            constexpr int TOGETHER = 4; // parts looked for at a time
            for (int other = 0; other < splits - 1; other += TOGETHER) {
                uint2 theirs[TOGETHER][3];
                bool there;
                do {
                    there = true;
#pragma unroll
                    for (int j = 0; j < TOGETHER; j++) {
#pragma unroll
                        for (int c = 0; c < 3; c++) {
                            theirs[j][c] = look_one(word(min(other + j, splits - 2), c == 0 ? d : D + c - 1));
                        }
                    }
#pragma unroll
                    for (int j = 0; j < TOGETHER; j++) {
                        there = there && theirs[j][0].y == tag && theirs[j][1].y == tag && theirs[j][2].y == tag;
                    }
                } while (!there);
#pragma unroll
                for (int j = 0; j < TOGETHER; j++) {
                    float sum = __uint_as_float(theirs[j][0].x);
                    if (other + j < splits - 1) {
                        all.join(__uint_as_float(theirs[j][1].x), __uint_as_float(theirs[j][2].x), &sum, 1);
                    }
                }
            }
            float y = all.sum[0] / all.total;
            u32 two = bf16_pair(y, __shfl_xor_sync(FULL_WARP, y, 1));
            if (d % 2 == 0) {
                leave(words.mixed + (key_head * GROUP * D + i) / 2, two, tag);
            }
        }
        sync();
    }
}
