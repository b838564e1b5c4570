// What decode_attention.cu and decode_step.cu share: where old keys and values lie, and softmax attention in parts that are joined.
// D: values of a head.
#pragma once
#include "decode.cuh"

constexpr int PART = D + 2; // sum weighted by probability, maximum, sum of probabilities
constexpr float NOTHING = -1e30f;

// Where a sequence's keys and values of this layer lie: head h begins at h * capacity * D.
struct Place {
    i64 keys, values, capacity, key_scales, value_scales, spare;
};

// Probabilities so far of one query head: they are exp2(score - most), and weigh the values in `sum`.
template <int Count> struct Running {
    float most, total, sum[Count];

    __device__ __forceinline__ void join(float other_most, float other_total, const float* other, int stride) {
        float highest = fmaxf(most, other_most), mine = exp2f(most - highest), theirs = exp2f(other_most - highest);
        total = total * mine + other_total * theirs;
#pragma unroll
        for (int i = 0; i < Count; i++) {
            sum[i] = sum[i] * mine + other[i * stride] * theirs;
        }
        most = highest;
    }
};
