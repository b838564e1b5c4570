// y = silu(x Wg^T) * (x Wu^T) in bfloat16 for many rows, on the tensor cores of compute capability 9.0: neither product goes to memory.
// A tile is 128 rows of x and 128 of each matrix. Blocks stay, two in a cluster: they do neighbouring rows of the same columns, and each has one matrix's part
// copied to both. One thread asks for stages of 64 columns, two groups of four warps multiply 64 rows each and keep both products' sums.
// Maps: x (M,K) in boxes of 128 rows, Wg and Wu (N,K) likewise, y (M,N) in boxes of 64 rows. What of a tile lies outside reads as zeros and is not written.
// Grid 2 * clusters, 384 threads.
#include "cluster.cuh"
#include "tensor_copy.cuh"
#include "warpgroup.cuh"

constexpr int SIDE = 128;                     // of a tile
constexpr int STAGES = 4;
constexpr int BOX_BYTES = SIDE * 128;         // 64 columns of 128 rows
constexpr int STAGE_BYTES = 3 * BOX_BYTES;    // x, Wg, Wu
constexpr int HALF_BYTES = 64 * 128;          // 64 columns of 64 rows
constexpr int BAND = 8;                       // pairs of tiles one below the other that take a column of tiles together, so that x and W stay in the cache

// The tile of a number: bands of pairs of rows, and in a band all rows of a column before the next.
struct Place {
    int row, column;
    __device__ __forceinline__ Place(int tile, int pairs, int columns, int rank) {
        int band = tile / (BAND * columns), height = min(BAND, pairs - band * BAND), within = tile - band * BAND * columns;
        row = ((band * BAND + within % height) * 2 + rank) * SIDE;
        column = within / height * SIDE;
    }
};

extern "C" __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(384, 1)
swiglu_product(const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap gate, const __grid_constant__ TensorMap up, const __grid_constant__ TensorMap y,
               int rows, int outputs, int inputs) {
    extern __shared__ u8 room[];
    __shared__ u64 full[STAGES], empty[STAGES];
    u8* ring = room + (1024 - shared_address(room) % 1024) % 1024; // [STAGES][x, Wg, Wu]
    u8* results = ring + STAGES * STAGE_BYTES;                     // [2 groups][2 halves of the columns][64][128]
    int rank = cluster_rank(), group = threadIdx.x / 128, lane = threadIdx.x % 32;
    int pairs = (rows + 2 * SIDE - 1) / (2 * SIDE), columns = (outputs + SIDE - 1) / SIDE, tiles = pairs * columns, stages = (inputs + 63) / 64;
    make_ring(full, empty, 16); // eight warps of each block
    wait_for_cluster();

    if (group == 0) {
        keep_registers<40>();
        if (threadIdx.x == 0) {
            int stage = 0;
            for (int tile = blockIdx.x / 2; tile < tiles; tile += gridDim.x / 2) {
                Place at(tile, pairs, columns, rank);
                for (int i = 0; i < stages; i++, stage++) {
                    int slot = stage % STAGES;
                    if (stage >= STAGES) {
                        barrier_wait(empty + slot, (stage / STAGES - 1) & 1);
                    }
                    barrier_expect(full + slot, STAGE_BYTES);
                    u8* to = ring + slot * STAGE_BYTES;
                    tensor_copy(to, &x, i * 64, at.row, full + slot);
                    tensor_copy(to + (1 + rank) * BOX_BYTES, rank == 0 ? &gate : &up, i * 64, at.column, full + slot, 3);
                }
            }
        }
    } else {
        take_registers<232>();
        int mine = group - 1, warp = threadIdx.x / 32 % 4, stage = 0;
        u8* result = results + mine * 2 * HALF_BYTES;
        u32 there = address_in(shared_address(empty), rank ^ 1);
        float sum[128]; // 64 rows, 128 columns of each product
        auto release = [&](int slot) {
            if (lane == 0) {
                barrier_arrive(empty + slot);
                asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" :: "r"(there + slot * 8) : "memory");
            }
        };
        for (int tile = blockIdx.x / 2; tile < tiles; tile += gridDim.x / 2) {
            Place at(tile, pairs, columns, rank);
            for (int i = 0; i < stages; i++, stage++) {
                int slot = stage % STAGES;
                barrier_wait(full + slot, (stage / STAGES) & 1);
                const u8* from = ring + slot * STAGE_BYTES;
                u64 a = swizzled(from + mine * HALF_BYTES), b = swizzled(from + BOX_BYTES);
                warpgroup_begin();
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    warpgroup_multiply(sum, a + 2 * k, b + 2 * k, i > 0 || k > 0);
                }
                warpgroup_commit();
                if (i > 0) {
                    warpgroup_wait<1>();
                    release((stage - 1) % STAGES);
                }
            }
            warpgroup_wait<0>();
            warpgroup_sums(sum);
            release((stage - 1) % STAGES);

            if (threadIdx.x % 128 == 0) {
                tensor_stores_wait(); // of the tile before
            }
            asm volatile("bar.sync %0, 128;" :: "r"(group) : "memory");
#pragma unroll
            for (int j = 0; j < 16; j++) {
                float v[4];
#pragma unroll
                for (int n = 0; n < 4; n++) {
                    float g = sum[4 * j + n];
                    v[n] = __fdividef(g, 1.0f + __expf(-g)) * sum[64 + 4 * j + n];
                }
                // Lanes hold two columns of eight, of rows eight apart.
                u8* to = result + j / 8 * HALF_BYTES + (warp * 16 + lane / 4) * 128 + ((j % 8) ^ (lane / 4)) * 16 + lane % 4 * 4;
                *reinterpret_cast<u32*>(to) = bf16_pair(v[0], v[1]);
                *reinterpret_cast<u32*>(to + 8 * 128) = bf16_pair(v[2], v[3]);
            }
            make_known_to_copies();
            asm volatile("bar.sync %0, 128;" :: "r"(group) : "memory");
            if (threadIdx.x % 128 == 0 && at.row + mine * 64 < rows) {
                tensor_store(&y, at.column, at.row + mine * 64, result);
                if (at.column + 64 < outputs) {
                    tensor_store(&y, at.column + 64, at.row + mine * 64, result + HALF_BYTES);
                }
                tensor_stores_end();
            }
        }
        if (threadIdx.x % 128 == 0) {
            tensor_stores_wait();
        }
    }
    wait_for_cluster(); // the other block still sends and asks
}
