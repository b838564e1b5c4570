// y = W x of a decoding step for up to COLUMNS bfloat16 inputs (8, 16 or 32; more go in several blocks of the grid's second direction), on tensor cores.
// A block does 16 rows of W at a time, which come in bulk copies, in SLICE of the columns: its 16 warps divide them, keep their part of the inputs in registers
// for all of the block's rows, and their sums are added in shared memory. A lane's 16 bytes of a row are a fragment for as many products as they fill: inputs
// are taken in the same order, so that the sum is the same. Where the columns are several slices, as many blocks do the same rows, and the last to end adds.
// Parameters and definitions are those of decode_product.cu; inputs are taken as they are. `partial` holds 16 COLUMNS floats for each slice of each 16 rows, of
// each block in the grid's second direction; `counters`, one for each block of a slice, are zero before and after.
// Grid (slices * blocks of a slice, ceil(batch / COLUMNS)), 544 threads: sixteen warps compute, one asks for weights.
#include "bulk_copy.cuh"
#include "decode_matrices.cuh"
#include "tensor_cores.cuh"

constexpr int N = Unpack<Code>::N;       // weights in 16 bytes
constexpr int WARPS = 16;                // that compute
constexpr int STEP = 4 * N;              // columns of W for four lanes at once
constexpr int PIECES = SLICE / (WARPS * STEP);
constexpr int SLICES = INPUTS / SLICE;
constexpr int PACKS = N / 8;             // 16 bytes of inputs to 16 bytes of weights
constexpr int TILES = COLUMNS / 8;
constexpr int STAGE_PIECES = PIECES % 2 == 0 ? 2 : 1; // a stage has so many pieces of 16 rows
constexpr int TILE_STAGES = PIECES / STAGE_PIECES;
constexpr int ROW_BYTES = SLICE / TILE_STAGES * (int)sizeof(Code);
constexpr int STAGE_BYTES = 16 * ROW_BYTES;
constexpr int PART = 16 + 4;             // sums of an input: lanes of neighbouring inputs meet different banks
constexpr int TILE_UNITS = EPILOGUE == SWIGLU ? 8 : 16;
constexpr int OUTPUTS = TILE_UNITS * COLUMNS;

static_assert(INPUTS % SLICE == 0 && SLICE % (WARPS * STEP) == 0 && OUTPUTS <= 32 * WARPS, "rows must be whole slices");

__device__ __forceinline__ void wait_for_computing_warps() { asm volatile("bar.sync 1, %0;" :: "n"(32 * WARPS) : "memory"); }

extern "C" __global__ void __launch_bounds__(32 * WARPS + 32, 1)
decode_tiles(const Code* w0, const Code* w1, const Code* w2, const Code* w3, const float* scale0, const float* scale1, const float* scale2, const float* scale3,
             const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
             const T* input, i64 input_stride, void* output, i64 output_stride, int batch, float* partial, int* counters) {
    extern __shared__ __align__(128) u8 shared[];
    u8* ring = shared;                                                   // [STAGES][16][ROW_BYTES]
    float* parts = reinterpret_cast<float*>(shared + STAGES * STAGE_BYTES); // [2][WARPS][COLUMNS][PART]
    __shared__ u64 full[STAGES], empty[STAGES];
    __shared__ bool is_last;
    Matrices matrices = MATRICES_OF_ARGUMENTS;
    int units = EPILOGUE == SWIGLU ? end0 : end3, tiles = (units + TILE_UNITS - 1) / TILE_UNITS, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int blocks = gridDim.x / SLICES, slice = blockIdx.x / blocks, block = blockIdx.x % blocks, first = blockIdx.y * COLUMNS;
    make_ring(full, empty, WARPS);

    if (warp == WARPS) {
        u64 policy = policy_read_once();
        int stages = (tiles - block + blocks - 1) / blocks * TILE_STAGES;
        for (int stage = 0; stage < stages; stage++) {
            int slot = stage % STAGES, tile = block + stage / TILE_STAGES * blocks;
            if (stage >= STAGES) {
                barrier_wait(empty + slot, (stage / STAGES - 1) & 1);
            }
            if (lane == 0) {
                barrier_expect(full + slot, STAGE_BYTES);
            }
            __syncwarp();
            if (lane < 16) {
                // For SwiGLU the upper eight rows are those of the second matrix.
                int row = min(EPILOGUE == SWIGLU ? tile * 8 + lane % 8 : tile * 16 + lane, units - 1);
                int matrix = EPILOGUE == SWIGLU ? lane / 8 : matrices.find(row);
                const Code* from = matrices.weights(matrix) + (i64)row * INPUTS + slice * SLICE + stage % TILE_STAGES * (SLICE / TILE_STAGES);
                bulk_copy(ring + slot * STAGE_BYTES + lane * ROW_BYTES, from, ROW_BYTES, full + slot, policy);
            }
        }
        let_others_start();
        return;
    }

    // Blocks begin at different columns, lest all ask for the same inputs at once.
    int group = lane / 4, member = lane % 4, start = (warp + blockIdx.x) % WARPS * STEP + member * N;
    wait_for_others();
    uint4 x[TILES][PIECES][PACKS];
#pragma unroll
    for (int n = 0; n < TILES; n++) {
        int row = first + n * 8 + group;
#pragma unroll
        for (int i = 0; i < PIECES; i++) {
#pragma unroll
            for (int j = 0; j < PACKS; j++) {
                x[n][i][j] = row < batch
                    ? *reinterpret_cast<const uint4*>(input + row * input_stride + slice * SLICE + i * WARPS * STEP + start + 8 * j)
                    : make_uint4(0, 0, 0, 0);
            }
        }
    }

    int r = threadIdx.x % TILE_UNITS, b = threadIdx.x / TILE_UNITS, stage = 0;
    i64 column = (first + b) * output_stride;
    float* mine = partial + (i64)blockIdx.y * tiles * SLICES * 16 * COLUMNS + b * 16 + r; // [tile][SLICES][COLUMNS][16]
    auto finishes = [&](int tile) { return b < COLUMNS && first + b < batch && tile * TILE_UNITS + r < units; };
    for (int tile = block, count = 0; tile < tiles; tile += blocks, count++) {
        Ending ending;
        if (SLICES == 1 && finishes(tile)) {
            ending = matrices.ending(output, column, tile * TILE_UNITS + r);
        }
        float sums[TILES][4] = {};
#pragma unroll
        for (int i = 0; i < PIECES; i++) {
            int slot = stage % STAGES;
            if (i % STAGE_PIECES == 0) {
                barrier_wait(full + slot, (stage / STAGES) & 1);
            }
            const u8* at = ring + slot * STAGE_BYTES + group * ROW_BYTES + (start + i % STAGE_PIECES * WARPS * STEP) * (int)sizeof(Code);
            Pairs<Code> a(*reinterpret_cast<const uint4*>(at)), c(*reinterpret_cast<const uint4*>(at + 8 * ROW_BYTES));
#pragma unroll
            for (int n = 0; n < TILES; n++) {
#pragma unroll
                for (int j = 0; j < PACKS; j++) {
                    uint4 raw = x[n][i][j];
                    multiply(sums[n], a.word[4 * j], c.word[4 * j], a.word[4 * j + 1], c.word[4 * j + 1], raw.x, raw.y);
                    multiply(sums[n], a.word[4 * j + 2], c.word[4 * j + 2], a.word[4 * j + 3], c.word[4 * j + 3], raw.z, raw.w);
                }
            }
            if (i % STAGE_PIECES == STAGE_PIECES - 1) {
                __syncwarp();
                if (lane == 0) {
                    barrier_arrive(empty + slot);
                }
                stage++;
            }
        }
        float* now = parts + count % 2 * WARPS * COLUMNS * PART;
#pragma unroll
        for (int n = 0; n < TILES; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                now[(warp * COLUMNS + n * 8 + member * 2 + i % 2) * PART + group + i / 2 * 8] = sums[n][i];
            }
        }
        wait_for_computing_warps();
        float y = 0.0f, other = 0.0f;
        if (b < COLUMNS) {
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                y += now[(w * COLUMNS + b) * PART + r];
                if (EPILOGUE == SWIGLU) {
                    other += now[(w * COLUMNS + b) * PART + r + 8];
                }
            }
        }
        if (SLICES == 1) {
            if (finishes(tile)) {
                matrices.write(output, column, tile * TILE_UNITS + r, ending, y, other);
            }
        } else if (b < COLUMNS) {
            float* to = mine + (i64)(tile * SLICES + slice) * 16 * COLUMNS;
            to[0] = y;
            if (EPILOGUE == SWIGLU) {
                to[8] = other;
            }
        }
    }
    if (SLICES == 1) {
        return;
    }

    // The blocks of the other slices have the same rows.
    __threadfence();
    wait_for_computing_warps();
    if (threadIdx.x == 0) {
        is_last = atomicAdd(counters + blockIdx.y * blocks + block, 1) == SLICES - 1;
    }
    wait_for_computing_warps();
    if (!is_last) {
        return;
    }
    __threadfence();
    if (threadIdx.x == 0) {
        counters[blockIdx.y * blocks + block] = 0;
    }
    for (int tile = block; tile < tiles; tile += blocks) {
        if (finishes(tile)) {
            float y = 0.0f, other = 0.0f;
            const float* from = mine + (i64)tile * SLICES * 16 * COLUMNS;
            Ending ending = matrices.ending(output, column, tile * TILE_UNITS + r);
#pragma unroll
            for (int s = 0; s < SLICES; s++) {
                y += __ldcg(from + s * 16 * COLUMNS);
                if (EPILOGUE == SWIGLU) {
                    other += __ldcg(from + s * 16 * COLUMNS + 8);
                }
            }
            matrices.write(output, column, tile * TILE_UNITS + r, ending, y, other);
        }
    }
}
