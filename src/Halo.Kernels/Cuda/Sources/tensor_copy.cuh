// Copies of boxes of a tensor to shared memory by a map of it (Hopper and later).
#pragma once
#include "bulk_copy.cuh"

// CUtensorMap, made by the driver.
struct __align__(64) TensorMap {
    u64 words[16];
};

// A box of three dimensions from these first elements on; one thread asks for it. `barrier` is told the bytes that have come, also for what lies outside (zeros).
__device__ __forceinline__ void tensor_copy(void* to, const TensorMap* map, int x, int y, int z, u64* barrier, u64 policy) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3, %4}], [%5], %6;"
        :: "r"(shared_address(to)), "l"(map), "r"(x), "r"(y), "r"(z), "r"(shared_address(barrier)), "l"(policy) : "memory");
}

// What this thread wrote to shared memory is seen by copies and by products of warp groups.
__device__ __forceinline__ void make_known_to_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
