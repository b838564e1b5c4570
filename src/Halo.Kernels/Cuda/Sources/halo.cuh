// What all kernels share. No header of CUDA or C is included: users may have none. NVRTC knows the vector types and the device functions.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define FULL_WARP 0xffffffffu

// bfloat16: the upper half of a float32.
struct bf16 {
    u16 bits;
};

__device__ __forceinline__ float bf16_low(u32 pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float bf16_high(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }

// Two floats to two bfloat16, rounded to nearest even; the first one in the lower half.
__device__ __forceinline__ u32 bf16_pair(float low, float high) {
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <typename Kind> __device__ __forceinline__ Kind from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) {
    bf16 y;
    y.bits = (u16)bf16_pair(x, 0.0f);
    return y;
}

// The value a float has after a round trip through a type.
template <typename Kind> __device__ __forceinline__ float rounded(float x) { return to_float(from_float<Kind>(x)); }

// 16 bytes at a time: 8 bfloat16 or 4 float32. Addresses must be multiples of 16.
template <typename Kind> struct Pack;

template <> struct Pack<bf16> {
    static constexpr int N = 8;
    static __device__ __forceinline__ void load(const bf16* from, float (&x)[8]) {
        uint4 raw = *reinterpret_cast<const uint4*>(from);
        x[0] = bf16_low(raw.x), x[1] = bf16_high(raw.x);
        x[2] = bf16_low(raw.y), x[3] = bf16_high(raw.y);
        x[4] = bf16_low(raw.z), x[5] = bf16_high(raw.z);
        x[6] = bf16_low(raw.w), x[7] = bf16_high(raw.w);
    }
    static __device__ __forceinline__ void store(bf16* to, const float (&x)[8]) {
        uint4 raw;
        raw.x = bf16_pair(x[0], x[1]);
        raw.y = bf16_pair(x[2], x[3]);
        raw.z = bf16_pair(x[4], x[5]);
        raw.w = bf16_pair(x[6], x[7]);
        *reinterpret_cast<uint4*>(to) = raw;
    }
};

template <> struct Pack<float> {
    static constexpr int N = 4;
    static __device__ __forceinline__ void load(const float* from, float (&x)[4]) {
        float4 raw = *reinterpret_cast<const float4*>(from);
        x[0] = raw.x, x[1] = raw.y, x[2] = raw.z, x[3] = raw.w;
    }
    static __device__ __forceinline__ void store(float* to, const float (&x)[4]) {
        float4 raw;
        raw.x = x[0], raw.y = x[1], raw.z = x[2], raw.w = x[3];
        *reinterpret_cast<float4*>(to) = raw;
    }
};

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + __expf(-x)); }

// Sum over a group of neighbouring lanes (a power of two up to 32), known to all of them.
template <int Lanes = 32> __device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
    for (int step = Lanes / 2; step > 0; step /= 2) {
        x += __shfl_xor_sync(FULL_WARP, x, step);
    }
    return x;
}

template <int Lanes = 32> __device__ __forceinline__ float warp_max(float x) {
#pragma unroll
    for (int step = Lanes / 2; step > 0; step /= 2) {
        x = fmaxf(x, __shfl_xor_sync(FULL_WARP, x, step));
    }
    return x;
}

// Sum over a block of a multiple of 32 threads, known to all; `scratch` holds 32 floats. Always in the same order.
__device__ __forceinline__ float block_sum(float x, float* scratch) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    x = warp_sum(x);
    __syncthreads();
    if (lane == 0) {
        scratch[warp] = x;
    }
    __syncthreads();
    return warp_sum(lane < warps ? scratch[lane] : 0.0f);
}

__device__ __forceinline__ float block_max(float x, float* scratch) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    x = warp_max(x);
    __syncthreads();
    if (lane == 0) {
        scratch[warp] = x;
    }
    __syncthreads();
    return warp_max(lane < warps ? scratch[lane] : scratch[0]);
}
