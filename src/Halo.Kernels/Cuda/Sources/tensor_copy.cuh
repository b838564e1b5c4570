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

// A box of two dimensions to the same place of the blocks of the cluster that `blocks` has a bit for; the barrier there is told.
__device__ __forceinline__ void tensor_copy(void* to, const TensorMap* map, int x, int y, u64* barrier, u16 blocks) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;"
        :: "r"(shared_address(to)), "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier)), "h"(blocks) : "memory");
}
__device__ __forceinline__ void tensor_copy(void* to, const TensorMap* map, int x, int y, u64* barrier) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
        :: "r"(shared_address(to)), "l"(map), "r"(x), "r"(y), "r"(shared_address(barrier)) : "memory");
}

// A box from shared memory to the tensor; what lies outside is left out. It reads until tensor_stores_wait has come back in the same thread.
__device__ __forceinline__ void tensor_store(const TensorMap* map, int x, int y, const void* from) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" :: "l"(map), "r"(x), "r"(y), "r"(shared_address(from)) : "memory");
}
__device__ __forceinline__ void tensor_stores_end() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
__device__ __forceinline__ void tensor_stores_wait() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

// What this thread wrote to shared memory is seen by copies and by products of warp groups.
__device__ __forceinline__ void make_known_to_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
