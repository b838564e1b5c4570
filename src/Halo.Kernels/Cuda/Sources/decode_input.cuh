// The input of a product of a decoding step: a row as it is, normed, or normed and gated. A block of Threads makes a row.
#pragma once
#include "decode.cuh"

#define INPUT_PLAIN 0
#define INPUT_NORMED 1
#define INPUT_GATED 2

// Calls store(place, values) for each vector of a row of Width. `scratch` holds 32 floats. Everything is asked for at once, so that the row costs one
// way to memory and back.
template <int Width, int Threads, int Prologue, typename Store>
__device__ __forceinline__ void make_input(const T* input, const T* gate, const T* weight, float epsilon, float* scratch, Store store) {
    constexpr int N = Pack<T>::N, VECTORS = Width / N, EACH = (VECTORS + Threads - 1) / Threads;
    bool normed = Prologue != INPUT_PLAIN && weight != nullptr, gated = Prologue == INPUT_GATED && gate != nullptr;
    float x[EACH][N], w[EACH][N], z[EACH][N], total = 0.0f, scale = 1.0f;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = (threadIdx.x + i * Threads) * N;
        if (VECTORS % Threads == 0 || at < Width) {
            Pack<T>::load(input + at, x[i]);
            if (normed) {
                Pack<T>::load(weight + at, w[i]);
            }
            if (gated) {
                Pack<T>::load(gate + at, z[i]);
            }
#pragma unroll
            for (int j = 0; j < N; j++) {
                total += x[i][j] * x[i][j];
            }
        }
    }
    if (normed) {
        scale = rsqrtf(block_sum(total, scratch) * (1.0f / Width) + epsilon);
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = (threadIdx.x + i * Threads) * N;
        if (VECTORS % Threads == 0 || at < Width) {
#pragma unroll
            for (int j = 0; j < N; j++) {
                x[i][j] *= normed ? scale * w[i][j] : 1.0f;
                x[i][j] *= gated ? sigmoid(z[i][j]) : 1.0f;
            }
            store(at, x[i]);
        }
    }
}
