// What the kernels of a decoding step share. A step is a chain of small kernels; each may be launched before the one in front of it has ended
// (programmatic dependent launch), asks memory for what does not depend on it, weights and old keys, and only then waits.
#pragma once
#include "halo.cuh"

typedef ELEMENT T;

// Until all kernels in front have ended and what they wrote can be seen. Returns at once in an ordinary launch.
__device__ __forceinline__ void wait_for_others() { asm volatile("griddepcontrol.wait;" ::: "memory"); }

// The next kernel may be launched as soon as there is room. Said after the wait, so that one kernel waits at a time: more of them would take each other's place;
// but before it by those whose weights fill a ring, of which shared memory holds two: the next ring is to fill meanwhile.
__device__ __forceinline__ void let_others_start() { asm volatile("griddepcontrol.launch_dependents;"); }

// 16 bytes that are read once and that nobody writes meanwhile.
__device__ __forceinline__ uint4 stream_load(const void* from) {
    uint4 raw;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(raw.x), "=r"(raw.y), "=r"(raw.z), "=r"(raw.w) : "l"(from));
    return raw;
}

// What kernels in front write, read by a kernel that may have looked there before they had ended: never from the multiprocessor's own cache.
__device__ __forceinline__ uint4 fresh_load(const void* from) {
    uint4 raw;
    asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(raw.x), "=r"(raw.y), "=r"(raw.z), "=r"(raw.w) : "l"(from) : "memory");
    return raw;
}
__device__ __forceinline__ float fresh_value(const float* from) {
    float x;
    asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(x) : "l"(from) : "memory");
    return x;
}
__device__ __forceinline__ float fresh_value(const bf16* from) {
    bf16 x;
    asm volatile("ld.global.cg.u16 %0, [%1];" : "=h"(x.bits) : "l"(from) : "memory");
    return to_float(x);
}

// 16 bytes straight to shared memory; zeros where there is nothing to read.
__device__ __forceinline__ void copy_async(void* to, const void* from, bool real) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"((u32)__cvta_generic_to_shared(to)), "l"(from), "r"(real ? 16 : 0) : "memory");
}

__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

// 16 bytes of weights as floats, by the kind of weights: those of type T, or 8-bit codes (without their scale).
template <typename Kind> struct Unpack;

template <> struct Unpack<bf16> {
    static constexpr int N = 8;
    static __device__ __forceinline__ void floats(uint4 raw, float (&x)[8]) {
        x[0] = bf16_low(raw.x), x[1] = bf16_high(raw.x);
        x[2] = bf16_low(raw.y), x[3] = bf16_high(raw.y);
        x[4] = bf16_low(raw.z), x[5] = bf16_high(raw.z);
        x[6] = bf16_low(raw.w), x[7] = bf16_high(raw.w);
    }
};

template <> struct Unpack<float> {
    static constexpr int N = 4;
    static __device__ __forceinline__ void floats(uint4 raw, float (&x)[4]) {
        x[0] = __uint_as_float(raw.x), x[1] = __uint_as_float(raw.y), x[2] = __uint_as_float(raw.z), x[3] = __uint_as_float(raw.w);
    }
};

template <> struct Unpack<u8> {
    static constexpr int N = 16;
    // Four signed bytes: with 128 added each becomes the low byte of a float of 2^23 and more, from which 2^23 + 128 is taken again.
    static __device__ __forceinline__ void four(u32 word, float* x) {
        word ^= 0x80808080u;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            x[i] = __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7440u + i)) - 8388736.0f;
        }
    }
    static __device__ __forceinline__ void floats(uint4 raw, float (&x)[16]) {
        four(raw.x, x), four(raw.y, x + 4), four(raw.z, x + 8), four(raw.w, x + 12);
    }
};

// cos and sin of position * frequency times a factor. As the model's own code has them: the product is rounded to float32 up to position 32,767.
__device__ __forceinline__ void rotation(int position, float frequency, float factor, float& cosine, float& sine) {
    double angle = (double)position * (double)frequency;
    if (position < 32768) {
        angle = (double)(float)angle;
    }
    double turns = angle * 0.31830988618379067154; // in units of pi
    turns -= 2.0 * rint(0.5 * turns);
    sincospif((float)turns, &sine, &cosine);
    cosine *= factor;
    sine *= factor;
}

// A head of Size values by one warp, lane l holding the values l, l + 32, ...: norm and rotation in float32, rounded to T at the end.
// `angles` holds Size / 2 cosines, then as many sines.
template <int Size>
__device__ __forceinline__ void prepare_head(const T* from, const T* weight, float epsilon, const float* angles, float (&x)[Size / 32]) {
    int lane = threadIdx.x % 32;
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < Size / 32; i++) {
        x[i] = to_float(from[lane + 32 * i]);
        total += x[i] * x[i];
    }
    if (weight != nullptr) {
        float scale = rsqrtf(warp_sum(total) * (1.0f / Size) + epsilon);
#pragma unroll
        for (int i = 0; i < Size / 32; i++) {
            x[i] *= scale * to_float(weight[lane + 32 * i]);
        }
    }
    if (angles != nullptr) {
#pragma unroll
        for (int i = 0; i < Size / 64; i++) {
            float c = angles[lane + 32 * i], s = angles[Size / 2 + lane + 32 * i];
            float low = x[i], high = x[i + Size / 64];
            x[i] = low * c - high * s;
            x[i + Size / 64] = high * c + low * s;
        }
    }
#pragma unroll
    for (int i = 0; i < Size / 32; i++) {
        x[i] = rounded<T>(x[i]);
    }
}
