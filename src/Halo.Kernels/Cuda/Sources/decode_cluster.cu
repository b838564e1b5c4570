// y = W x of a decoding step for up to COLUMNS bfloat16 inputs (16 or 32; more go in several blocks of the grid's second direction), on the tensor cores of Hopper.
// A cluster of CLUSTER blocks does 64 rows of W at a time. Each block has its part of the columns: it keeps that part of the inputs in shared memory, so that
// no block needs all of them, and gets its part of the rows by tensor maps. Each finishes the outputs of some of the inputs, for which the others send it their sums.
// Norm and gate are made on the way in: PROLOGUE 0 takes inputs as they are, 1 normed, 2 normed and gated; the norm's scale of a row, which needs all columns,
// multiplies the sums. For SwiGLU half of the rows are each matrix's; other matrices but the last end at whole tiles. What a tile has beyond the last reads as zeros.
// No more than FLIGHT stages are on their way to a block at a time: enough for the memory's rate, and other kernels' requests need not wait long behind them.
// Grid (CLUSTER * clusters, ceil(batch / COLUMNS)), 288 threads: four warps multiply, four finish, one thread asks for weights.
#include "cluster.cuh"
#include "decode_input.cuh"
#include "decode_matrices.cuh"
#include "tensor_copy.cuh"
#include "warpgroup.cuh"

constexpr int ROWS = 64;                        // of a tile, as many as a product of four warps takes
constexpr int PART = INPUTS / CLUSTER;
constexpr int MATRICES = EPILOGUE == SWIGLU ? 2 : 1;
constexpr int UNITS = ROWS / MATRICES;          // outputs of a tile
constexpr int GROUPS = UNITS / 16;
constexpr int CHUNK = 64;                       // columns whose rows of 128 bytes lie together
constexpr int CHUNKS = 2;                       // of a stage
constexpr int STAGE_BYTES = CHUNKS * ROWS * 128;
constexpr int TILE_STAGES = PART / CHUNK / CHUNKS;
constexpr int TILES = COLUMNS / 8;
constexpr int EACH = 4 / CLUSTER;               // pairs of neighbouring inputs, of each eight, that a block finishes
constexpr int WARP_ITEMS = EACH * TILES * 8;    // of 4 sums: two outputs of two inputs
constexpr int ITEMS = GROUPS * WARP_ITEMS;
constexpr int INPUT_BYTES = COLUMNS * PART * 2;
constexpr int SUM_BYTES = CLUSTER * 4 * WARP_ITEMS * 16;

static_assert(PART % 256 == 0 && (CLUSTER == 2 || CLUSTER == 4), "a warp takes 256 columns of an input at a time");

extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1) __launch_bounds__(288, 1)
decode_cluster(const __grid_constant__ TensorMap map0, const __grid_constant__ TensorMap map1, const __grid_constant__ TensorMap map2, const __grid_constant__ TensorMap map3,
               const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
               const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, void* output, i64 output_stride, int batch) {
    extern __shared__ u8 room[];
    __shared__ u64 full[STAGES], empty[STAGES], arrived[2], freed[2], squared;
    __shared__ float squares[CLUSTER][COLUMNS];
    u8* ring = room + (1024 - shared_address(room) % 1024) % 1024;  // [STAGES][CHUNKS][ROWS][128], each eight rows swizzled
    u8* inputs = ring + STAGES * STAGE_BYTES;                       // [PART / CHUNK][COLUMNS][128], likewise
    float4* sums = reinterpret_cast<float4*>(inputs + INPUT_BYTES); // [2][CLUSTER][4 warps][WARP_ITEMS], of all blocks for this one's inputs
    float4* own = sums + 2 * CLUSTER * 4 * WARP_ITEMS;              // [2][4 warps][CLUSTER][WARP_ITEMS], of this one for all
    Matrices matrices = {{}, {}, {bias0, bias1, bias2, bias3}, {end0, end1, end2, end3}};
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, rank = cluster_rank(), first = blockIdx.y * COLUMNS;
    int clusters = gridDim.x / CLUSTER, cluster = blockIdx.x / CLUSTER, all = EPILOGUE == SWIGLU ? end0 : end3, tiles = (all + UNITS - 1) / UNITS;
    if (threadIdx.x == 0) {
        for (int i = 0; i < 2; i++) {
            barrier_make(arrived + i, 1);
            barrier_make(freed + i, CLUSTER);
        }
        barrier_make(&squared, 1);
        barrier_expect(&squared, COLUMNS * 4);
    }
    make_ring(full, empty, 4);
    wait_for_cluster();

    if (warp == 8) {
        if (lane == 0) {
            u64 policy = policy_read_once();
            int stages = (tiles - cluster + clusters - 1) / clusters * TILE_STAGES;
            for (int stage = 0; stage < stages; stage++) {
                int slot = stage % STAGES, row = (cluster + stage / TILE_STAGES * clusters) * UNITS, chunk = rank * (PART / CHUNK) + stage % TILE_STAGES * CHUNKS;
                if (stage >= FLIGHT) {
                    barrier_wait(full + (stage - FLIGHT) % STAGES, ((stage - FLIGHT) / STAGES) & 1);
                }
                if (stage >= STAGES) {
                    barrier_wait(empty + slot, (stage / STAGES - 1) & 1);
                }
                barrier_expect(full + slot, STAGE_BYTES);
                u8* to = ring + slot * STAGE_BYTES;
                if (EPILOGUE == SWIGLU) {
#pragma unroll
                    for (int i = 0; i < CHUNKS; i++) {
                        tensor_copy(to + 2 * i * UNITS * 128, &map0, 0, row, chunk + i, full + slot, policy);
                        tensor_copy(to + (2 * i + 1) * UNITS * 128, &map1, 0, row, chunk + i, full + slot, policy);
                    }
                } else {
                    int matrix = matrices.find(row);
                    tensor_copy(to, matrix == 0 ? &map0 : matrix == 1 ? &map1 : matrix == 2 ? &map2 : &map3, 0, row, chunk, full + slot, policy);
                }
            }
            let_others_start();
        }
        wait_for_cluster();
        return;
    }

    // The inputs: a warp makes a row's part. All are asked for at once.
    constexpr int VECTORS = PART / 256, MINE = COLUMNS / 8; // of a lane, and rows of a warp
    auto place = [&](int b, int i) {
        int column = lane * 8 + i * 256;
        return inputs + (column / CHUNK * COLUMNS + b) * 128 + ((column % CHUNK / 8) ^ (b % 8)) * 16;
    };
    bool normed = PROLOGUE != INPUT_PLAIN && norm_weight != nullptr;
    int column = rank * PART + lane * 8;
    float w[VECTORS][8];
    if (normed) {
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            Pack<T>::load(norm_weight + column + i * 256, w[i]);
        }
    }
    wait_for_others();
    uint4 raw[MINE][VECTORS], gates[MINE][VECTORS];
#pragma unroll
    for (int m = 0; m < MINE; m++) {
        int b = warp + m * 8;
        bool real = first + b < batch;
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            const T* from = input + (first + b) * input_stride + column + i * 256;
            if (PROLOGUE == INPUT_PLAIN) {
                copy_async(place(b, i), real ? from : input, real);
            } else {
                raw[m][i] = real ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
                if (PROLOGUE == INPUT_GATED) {
                    gates[m][i] = real ? *reinterpret_cast<const uint4*>(gate + (first + b) * gate_stride + column + i * 256) : make_uint4(0, 0, 0, 0);
                }
            }
        }
    }
    if (PROLOGUE != INPUT_PLAIN) {
#pragma unroll
        for (int m = 0; m < MINE; m++) {
            int b = warp + m * 8;
            float total = 0.0f;
#pragma unroll
            for (int i = 0; i < VECTORS; i++) {
                float x[8], z[8];
                Unpack<bf16>::floats(raw[m][i], x);
                Unpack<bf16>::floats(gates[m][i], z);
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    total += x[j] * x[j];
                    x[j] *= normed ? w[i][j] : 1.0f;
                    x[j] *= PROLOGUE == INPUT_GATED ? __fdividef(1.0f, 1.0f + __expf(-z[j])) : 1.0f;
                }
                Pack<T>::store(reinterpret_cast<T*>(place(b, i)), x);
            }
            total = warp_sum(total);
            if (lane == 0) {
                int owner = b % 8 / 2 % CLUSTER;
                send(address_in(shared_address(&squares[rank][b]), owner), total, address_in(shared_address(&squared), owner));
            }
        }
    }
    if (PROLOGUE == INPUT_PLAIN) {
        wait_for_copies();
    }
    make_known_to_copies();
    asm volatile("bar.sync 1, 256;" ::: "memory");

    if (warp < 4) {
        int stage = 0, count = 0;
        for (int tile = cluster; tile < tiles; tile += clusters, count++) {
            float sum[COLUMNS / 2], more[COLUMNS / 2]; // of every other product, so that two are at work at once
#pragma unroll
            for (int i = 0; i < COLUMNS / 2; i++) {
                sum[i] = more[i] = 0.0f;
            }
            warpgroup_sums(sum), warpgroup_sums(more);
            for (int i = 0; i < TILE_STAGES; i++, stage++) {
                int slot = stage % STAGES;
                barrier_wait(full + slot, (stage / STAGES) & 1);
                warpgroup_begin();
#pragma unroll
                for (int j = 0; j < CHUNKS; j++) {
#pragma unroll
                    for (int k = 0; k < CHUNK / 16; k++) {
                        warpgroup_multiply(k % 2 == 0 ? sum : more, swizzled(ring + slot * STAGE_BYTES + j * ROWS * 128 + k * 32), swizzled(inputs + (i * CHUNKS + j) * COLUMNS * 128 + k * 32));
                    }
                }
                warpgroup_commit();
                if (i > 0) {
                    warpgroup_wait<1>();
                    if (lane == 0) {
                        barrier_arrive(empty + (stage - 1) % STAGES);
                    }
                }
            }
            warpgroup_wait<0>();
            warpgroup_sums(sum), warpgroup_sums(more);
            if (lane == 0) {
                barrier_arrive(empty + (stage - 1) % STAGES);
            }
#pragma unroll
            for (int i = 0; i < COLUMNS / 2; i++) {
                sum[i] += more[i];
            }
            // Warps have 16 rows each, lanes two of them for two inputs of each eight. By inputs: those that a block finishes lie together.
            if (count >= 2) {
                barrier_wait_for_cluster(freed + count % 2, (count / 2 - 1) & 1);
            }
            float4* from = own + (count % 2 * 4 + warp) * CLUSTER * WARP_ITEMS;
            float4* to = sums + ((count % 2 * CLUSTER + rank) * 4 + warp) * WARP_ITEMS;
#pragma unroll
            for (int n = 0; n < TILES; n++) {
                from[lane % CLUSTER * WARP_ITEMS + (lane % 4 / CLUSTER * TILES + n) * 8 + lane / 4] = make_float4(sum[4 * n], sum[4 * n + 1], sum[4 * n + 2], sum[4 * n + 3]);
            }
            make_known_to_copies();
            __syncwarp();
            if (lane < CLUSTER) {
                send(address_in(shared_address(to), lane), from + lane * WARP_ITEMS, WARP_ITEMS * 16, address_in(shared_address(arrived + count % 2), lane));
            }
        }
    } else {
        int thread = threadIdx.x - 128, count = 0;
        if (PROLOGUE != INPUT_PLAIN) {
            barrier_wait_for_cluster(&squared, 0);
        }
        for (int tile = cluster; tile < tiles; tile += clusters, count++) {
            if (thread == 0) {
                barrier_expect(arrived + count % 2, SUM_BYTES);
            }
            float y[(ITEMS + 127) / 128][MATRICES][4];
            Ending ending[(ITEMS + 127) / 128][4];
            auto each = [&](auto work) {
#pragma unroll
                for (int i = 0; i < (ITEMS + 127) / 128; i++) {
                    int item = thread + i * 128, group = item / WARP_ITEMS, n = item / 8 % TILES, pair = item / 8 / TILES % EACH;
#pragma unroll
                    for (int j = 0; j < 4; j++) {
                        int unit = tile * UNITS + group * 16 + item % 8 + j / 2 * 8, b = n * 8 + (pair * CLUSTER + rank) * 2 + j % 2;
                        if (item < ITEMS && first + b < batch && unit < all) {
                            work(i, j, unit, b);
                        }
                    }
                }
            };
            each([&](int i, int j, int unit, int b) { ending[i][j] = matrices.ending(output, (first + b) * output_stride, unit); });
            barrier_wait_for_cluster(arrived + count % 2, (count / 2) & 1);
#pragma unroll
            for (int i = 0; i < (ITEMS + 127) / 128; i++) {
#pragma unroll
                for (int m = 0; m < MATRICES; m++) {
                    y[i][m][0] = y[i][m][1] = y[i][m][2] = y[i][m][3] = 0.0f;
#pragma unroll
                    for (int s = 0; s < CLUSTER; s++) {
                        if (ITEMS % 128 == 0 || thread + i * 128 < ITEMS) {
                            float4 part = sums[((count % 2 * CLUSTER + s) * MATRICES + m) * ITEMS + thread + i * 128];
                            y[i][m][0] += part.x, y[i][m][1] += part.y, y[i][m][2] += part.z, y[i][m][3] += part.w;
                        }
                    }
                }
            }
            // Room of two tiles: it is free for the tile after the next.
            asm volatile("bar.sync 2, 128;" ::: "memory");
            if (thread < CLUSTER && tile + 2 * clusters < tiles) {
                barrier_arrive_at(address_in(shared_address(freed + count % 2), thread));
            }
            each([&](int i, int j, int unit, int b) {
                float scale = 1.0f;
                if (PROLOGUE != INPUT_PLAIN && norm_weight != nullptr) {
                    float total = 0.0f;
#pragma unroll
                    for (int s = 0; s < CLUSTER; s++) {
                        total += squares[s][b];
                    }
                    scale = rsqrtf(total * (1.0f / INPUTS) + epsilon);
                }
                matrices.write(output, (first + b) * output_stride, unit, ending[i][j], scale * y[i][0][j], scale * y[i][MATRICES - 1][j]);
            });
        }
    }
    wait_for_cluster();
}
