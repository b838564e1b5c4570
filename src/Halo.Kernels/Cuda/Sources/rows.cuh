// Kernels over rows of WIDTH values of type ELEMENT, with weights of type WEIGHT. ROWS rows are worked on at once, each by SPAN threads (whole
// warps) that hold PER_THREAD vectors of 16 bytes. The host chooses SPAN, PER_THREAD and ROWS and gives them as definitions.
#pragma once
#include "halo.cuh"

typedef ELEMENT T;
typedef WEIGHT W;

constexpr int N = Pack<T>::N;
constexpr int VECTORS = WIDTH / N;
constexpr int THREADS = SPAN * ROWS;
constexpr int WARPS_A_ROW = SPAN / 32;

static_assert(WIDTH % N == 0 && SPAN % 32 == 0 && SPAN * PER_THREAD >= VECTORS && THREADS <= 1024, "the host's choice does not fit");

// N weights as floats.
__device__ __forceinline__ void load_weights(const float* from, float (&x)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        float4 raw = *reinterpret_cast<const float4*>(from + i);
        x[i] = raw.x, x[i + 1] = raw.y, x[i + 2] = raw.z, x[i + 3] = raw.w;
    }
}

__device__ __forceinline__ void load_weights(const bf16* from, float (&x)[N]) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        uint2 raw = *reinterpret_cast<const uint2*>(from + i);
        x[i] = bf16_low(raw.x), x[i + 1] = bf16_high(raw.x), x[i + 2] = bf16_low(raw.y), x[i + 3] = bf16_high(raw.y);
    }
}

// Sums over the threads of a row, known to all of them. Two halves of the scratch take turns, so that one barrier a call is enough.
template <int Count> struct RowSum {
    float scratch[2][Count][32];

    __device__ __forceinline__ void operator()(float (&x)[Count], int& turn) {
#pragma unroll
        for (int c = 0; c < Count; c++) {
            x[c] = warp_sum(x[c]);
        }
        if (SPAN == 32) {
            return;
        }
        int half = turn++ & 1, warp = threadIdx.x / 32, first = threadIdx.x / SPAN * WARPS_A_ROW;
        if (threadIdx.x % 32 == 0) {
#pragma unroll
            for (int c = 0; c < Count; c++) {
                scratch[half][c][warp] = x[c];
            }
        }
        __syncthreads();
#pragma unroll
        for (int c = 0; c < Count; c++) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < WARPS_A_ROW; i++) {
                sum += scratch[half][c][first + i];
            }
            x[c] = sum;
        }
    }
};

// Adds up what the threads of a block hold for the columns, in a fixed order, and writes the block's row of partial sums.
__device__ __forceinline__ void write_partial(const float (&sums)[PER_THREAD][N], float* partial) {
    int place = threadIdx.x % SPAN, group = threadIdx.x / SPAN;
    __shared__ float columns[ROWS == 1 ? 1 : WIDTH];
    float* row = partial + (i64)blockIdx.x * WIDTH;
    for (int turn = 0; turn < ROWS; turn++) {
        if (group == turn) {
#pragma unroll
            for (int i = 0; i < PER_THREAD; i++) {
                int vector = place + i * SPAN;
                if (vector < VECTORS) {
#pragma unroll
                    for (int j = 0; j < N; j++) {
                        int column = vector * N + j;
                        float sum = ROWS == 1 || turn == 0 ? sums[i][j] : columns[ROWS == 1 ? 0 : column] + sums[i][j];
                        if (turn == ROWS - 1) {
                            row[column] = sum;
                        } else {
                            columns[ROWS == 1 ? 0 : column] = sum;
                        }
                    }
                }
            }
        }
        if (ROWS > 1) {
            __syncthreads();
        }
    }
}
