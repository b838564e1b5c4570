// The end of a decoding step: the likeliest id of each row (the lowest of equals; a value that is no number counts as least); the position moves on, and the number of steps.
#define ELEMENT float
#include "decode.cuh"

struct Best {
    float value;
    int place;
    __device__ __forceinline__ void take(float other, int at) {
        bool better = other > value || (other == value && at < place);
        value = better ? other : value;
        place = better ? at : place;
    }
    __device__ __forceinline__ void across_warp() {
#pragma unroll
        for (int step = 16; step > 0; step /= 2) {
            float other = __shfl_xor_sync(FULL_WARP, value, step);
            take(other, __shfl_xor_sync(FULL_WARP, place, step));
        }
    }
};

// Grid (parts, batch). `counters` are zero before and after.
extern "C" __global__ void __launch_bounds__(256)
decode_finish(const float* logits, i64 vocabulary, i64* ids, int* positions, float* values, int* places, int* counters, int* steps) {
    __shared__ float warp_values[8];
    __shared__ int warp_places[8];
    __shared__ bool is_last;
    wait_for_others();
    let_others_start();
    int row = blockIdx.y, parts = gridDim.x, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const float* from = logits + row * vocabulary;
    Best best = {-__int_as_float(0x7f800000), (int)vocabulary};
    for (i64 at = (i64)blockIdx.x * 256 + threadIdx.x; at < vocabulary; at += parts * 256) {
        best.take(from[at], (int)at);
    }
    best.across_warp();
    if (lane == 0) {
        warp_values[warp] = best.value;
        warp_places[warp] = best.place;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < 8; i++) {
            best.take(warp_values[i], warp_places[i]);
        }
        values[row * parts + blockIdx.x] = best.value;
        places[row * parts + blockIdx.x] = best.place;
        __threadfence();
        is_last = atomicAdd(counters + row, 1) == parts - 1;
    }
    __syncthreads();
    if (!is_last || threadIdx.x >= 32) {
        return;
    }
    __threadfence();
    for (int i = threadIdx.x; i < parts; i += 32) {
        best.take(__ldcg(values + row * parts + i), __ldcg(places + row * parts + i));
    }
    best.across_warp();
    if (threadIdx.x == 0) {
        ids[row] = best.place < vocabulary ? best.place : 0;
        positions[row] += positions[row] >= 0 ? 1 : 0; // -1 is a place that nobody uses
        counters[row] = 0;
        if (row == 0) {
            *steps += 1; // one row alone: others would undo it
        }
    }
}
