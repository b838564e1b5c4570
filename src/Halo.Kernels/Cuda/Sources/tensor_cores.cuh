// Products on tensor cores.
#pragma once
#include "decode.cuh"

// sum += A B on tensor cores: A (16,16) and B (16,8) in bfloat16, the sum (16,8) in float32; lanes hold them as mma.m16n8k16 has it.
__device__ __forceinline__ void multiply(float (&sum)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// The same of signed bytes: A (16,32) and B (32,8), the sum (16,8) in int32; lanes hold them as mma.m16n8k32 has it.
__device__ __forceinline__ void multiply(int (&sum)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// 16 bytes of weights as pairs of bfloat16.
template <typename Kind> struct Pairs;
template <> struct Pairs<bf16> {
    u32 word[4];
    __device__ __forceinline__ Pairs(uint4 raw) : word{raw.x, raw.y, raw.z, raw.w} {}
};
template <> struct Pairs<u8> {
    u32 word[8];
    __device__ __forceinline__ Pairs(uint4 raw) {
        float x[16];
        Unpack<u8>::floats(raw, x);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            word[i] = bf16_pair(x[2 * i], x[2 * i + 1]);
        }
    }
};
