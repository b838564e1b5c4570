// Blocks of a cluster (Hopper and later) and what they send into one another's shared memory.
#pragma once
#include "bulk_copy.cuh"

__device__ __forceinline__ int cluster_rank() {
    int rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}

// The place in block `rank` that `address` is in this one, both in shared memory.
__device__ __forceinline__ u32 address_in(u32 address, int rank) {
    u32 there;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(address), "r"(rank));
    return there;
}

// All threads of all blocks of the cluster.
__device__ __forceinline__ void wait_for_cluster() {
    __syncwarp(); // a warp comes as one
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

// A value for another block; `barrier`, of that block, is told the bytes that have come.
__device__ __forceinline__ void send(u32 to, float x, u32 barrier) {
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" :: "r"(to), "r"(__float_as_uint(x)), "r"(barrier) : "memory");
}

// The same of a multiple of 16 bytes of shared memory, which stay as they are until they have come. One thread asks for it, and has made them known to copies.
__device__ __forceinline__ void send(u32 to, const void* from, u32 bytes, u32 barrier) {
    asm volatile("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" :: "r"(to), "r"(shared_address(from)), "r"(bytes), "r"(barrier) : "memory");
}

__device__ __forceinline__ void barrier_arrive_at(u32 barrier) {
    asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" :: "r"(barrier) : "memory");
}

// Until the phase of this parity has ended, with what other blocks did before.
__device__ __forceinline__ void barrier_wait_for_cluster(u64* barrier, int parity) {
    u32 done;
    do {
        asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
            : "=r"(done) : "r"(shared_address(barrier)), "r"(parity) : "memory");
    } while (!done);
}
