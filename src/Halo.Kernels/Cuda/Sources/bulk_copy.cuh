// Bulk copies to shared memory (Hopper and later) and the barriers that tell when they have come and when their room is free again.
#pragma once
#include "halo.cuh"

__device__ __forceinline__ u32 shared_address(const void* at) { return (u32)__cvta_generic_to_shared(at); }

__device__ __forceinline__ void barrier_make(u64* barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(shared_address(barrier)), "r"(arrivals) : "memory");
}

// The barriers of a ring: a stage is full when its bytes have come, and empty when `readers` have said so. All threads of the block call it.
template <int Stages>
__device__ __forceinline__ void make_ring(u64 (&full)[Stages], u64 (&empty)[Stages], int readers) {
    if (threadIdx.x == 0) {
        for (int i = 0; i < Stages; i++) {
            barrier_make(full + i, 1);
            barrier_make(empty + i, readers);
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); // known to the copies
    }
    __syncthreads();
}

__device__ __forceinline__ void barrier_arrive(u64* barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(shared_address(barrier)) : "memory");
}

// Arrives, and the barrier then also waits for so many bytes.
__device__ __forceinline__ void barrier_expect(u64* barrier, u32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(barrier)), "r"(bytes) : "memory");
}

// Until the phase of this parity has ended; phases count from 0.
__device__ __forceinline__ void barrier_wait(u64* barrier, int parity) {
    u32 done;
    do {
        asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
            : "=r"(done) : "r"(shared_address(barrier)), "r"(parity) : "memory");
    } while (!done);
}

// For what is read once: the first to leave the second-level cache.
__device__ __forceinline__ u64 policy_read_once() {
    u64 policy;
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}

// Copies a multiple of 16 bytes; addresses are multiples of 16. One thread asks for it; `barrier` is told the bytes that have come.
__device__ __forceinline__ void bulk_copy(void* to, const void* from, u32 bytes, u64* barrier, u64 policy) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;"
        :: "r"(shared_address(to)), "l"(from), "r"(bytes), "r"(shared_address(barrier)), "l"(policy) : "memory");
}
