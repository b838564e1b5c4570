// The input of a product of a decoding step: a row as it is, normed, or normed and gated. A block of threads makes a row.
#pragma once
#include "decode.cuh"

#define INPUT_PLAIN 0
#define INPUT_NORMED 1
#define INPUT_GATED 2

// Calls store(place, value) for each value of a row of Width, value rounded to T. `scratch` holds 32 floats.
template <int Width, int Prologue, typename Store>
__device__ __forceinline__ void make_input(const T* input, const T* gate, const T* weight, float epsilon, float* scratch, Store store) {
    constexpr int N = Pack<T>::N;
    float scale = 1.0f;
    bool normed = Prologue != INPUT_PLAIN && weight != nullptr;
    if (normed) {
        float total = 0.0f;
        for (int at = threadIdx.x * N; at < Width; at += blockDim.x * N) {
            float x[N];
            Pack<T>::load(input + at, x);
#pragma unroll
            for (int j = 0; j < N; j++) {
                total += x[j] * x[j];
            }
        }
        scale = rsqrtf(block_sum(total, scratch) * (1.0f / Width) + epsilon);
    }
    for (int at = threadIdx.x * N; at < Width; at += blockDim.x * N) {
        float x[N];
        Pack<T>::load(input + at, x);
        if (normed) {
            float w[N];
            Pack<T>::load(weight + at, w);
#pragma unroll
            for (int j = 0; j < N; j++) {
                x[j] = x[j] * scale * w[j];
            }
        }
        if (Prologue == INPUT_GATED && gate != nullptr) {
            float z[N];
            Pack<T>::load(gate + at, z);
#pragma unroll
            for (int j = 0; j < N; j++) {
                x[j] *= sigmoid(z[j]);
            }
        }
        store(at, x);
    }
}
