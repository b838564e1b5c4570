// y = W x of a decoding step for BATCH inputs (one or two), all of it bfloat16. A block's rows of W are one stream of bulk copies into a ring in shared memory, which begins
// before the kernels in front have ended: while they compute, the ring fills, and memory never rests between kernels. All threads of a group share each row,
// so that a thread keeps its part of the inputs in registers; the parts of a row are added over the group's warps when some rows are through.
// INPUTS: columns of W. ROWS: rows of a group in a stage of the ring. STAGES: of the ring. PROLOGUE, EPILOGUE, parameters: those of decode_product.cu.
// Grid (blocks, ceil(batch / BATCH)), 288 threads: eight warps compute, one asks for weights.
#include "bulk_copy.cuh"
#include "decode_input.cuh"
#include "decode_matrices.cuh"

constexpr int N = Unpack<Code>::N;                 // weights in 16 bytes
constexpr int VECTORS = INPUTS / N;                // of a row
constexpr int WARPS = 8;                           // that compute
constexpr int GROUPS = VECTORS >= 256 ? 1 : VECTORS >= 128 ? 2 : VECTORS >= 64 ? 4 : 8;
constexpr int MEMBERS = 32 * WARPS / GROUPS;       // threads of a group
constexpr int PARTS = WARPS / GROUPS;              // warps of a group
constexpr int EACH = (VECTORS + MEMBERS - 1) / MEMBERS;
constexpr int STAGE_ROWS = GROUPS * ROWS;
constexpr int ROW_BYTES = VECTORS * 16;
constexpr int STAGE_BYTES = STAGE_ROWS * ROW_BYTES;
constexpr int MATRICES_A_UNIT = EPILOGUE == SWIGLU ? 2 : 1;
constexpr int STAGE_UNITS = STAGE_ROWS / MATRICES_A_UNIT;
constexpr int CHUNK_STAGES = STAGE_ROWS >= 64 ? 1 : 64 / STAGE_ROWS; // after which sums are finished
constexpr int CHUNK_ROWS = CHUNK_STAGES * STAGE_ROWS;
constexpr int CHUNK_UNITS = CHUNK_STAGES * STAGE_UNITS;

static_assert(sizeof(Code) == 2 && INPUTS % 16 == 0 && STAGE_ROWS % MATRICES_A_UNIT == 0 && CHUNK_UNITS * BATCH <= 32 * WARPS, "the stages do not fit");

__device__ __forceinline__ void wait_for_computing_warps() { asm volatile("bar.sync 1, %0;" :: "n"(32 * WARPS) : "memory"); }

// The sums of Count rows over a warp; lane l has row l Count / 32 of them.
template <int Count>
__device__ __forceinline__ float sum_rows(float (&sum)[Count]) {
    int lane = threadIdx.x % 32, step = 16;
#pragma unroll
    for (int half = Count / 2; half > 0; half /= 2, step /= 2) {
        bool upper = lane & step;
#pragma unroll
        for (int i = 0; i < half; i++) {
            float mine = upper ? sum[i + half] : sum[i], theirs = upper ? sum[i] : sum[i + half];
            sum[i] = mine + __shfl_xor_sync(FULL_WARP, theirs, step);
        }
    }
    float total = sum[0];
    for (; step > 0; step /= 2) {
        total += __shfl_xor_sync(FULL_WARP, total, step);
    }
    return total;
}

extern "C" __global__ void __launch_bounds__(32 * WARPS + 32, 2)
decode_stream(const Code* w0, const Code* w1, const Code* w2, const Code* w3, const float* scale0, const float* scale1, const float* scale2, const float* scale3,
              const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
              const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, void* output, i64 output_stride, int batch) {
    extern __shared__ __align__(128) u8 ring[]; // [STAGES][STAGE_ROWS][ROW_BYTES]
    __shared__ u64 full[STAGES], empty[STAGES];
    __shared__ float partial[2][BATCH][CHUNK_ROWS][PARTS], squares[2][BATCH][WARPS];
    Matrices matrices = MATRICES_OF_ARGUMENTS;
    int units = EPILOGUE == SWIGLU ? end0 : end3, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    // Stages are dealt out to the blocks one by one.
    int all_stages = (units + STAGE_UNITS - 1) / STAGE_UNITS, blocks = gridDim.x, stages = (all_stages - (int)blockIdx.x + blocks - 1) / blocks;
    auto unit_of = [&](int stage, int i) { return (stage * blocks + (int)blockIdx.x) * STAGE_UNITS + i; };
    make_ring(full, empty, WARPS);

    if (warp == WARPS) {
        if (lane == 0) {
            u64 policy = policy_read_once();
            for (int stage = 0; stage < stages; stage++) {
                int slot = stage % STAGES, from = unit_of(stage, 0), count = min(STAGE_UNITS, units - from);
                if (stage >= STAGES) {
                    barrier_wait(empty + slot, (stage / STAGES - 1) & 1);
                }
                u8* to = ring + slot * STAGE_BYTES;
                barrier_expect(full + slot, count * MATRICES_A_UNIT * ROW_BYTES);
                if (EPILOGUE == SWIGLU) {
                    bulk_copy(to, w0 + (i64)from * INPUTS, count * ROW_BYTES, full + slot, policy);
                    bulk_copy(to + STAGE_UNITS * ROW_BYTES, w1 + (i64)from * INPUTS, count * ROW_BYTES, full + slot, policy);
                } else {
                    while (count > 0) {
                        int row = from, matrix = matrices.find(row);
                        int here = min(count, (matrix == 0 ? end0 : matrix == 1 ? end1 : matrix == 2 ? end2 : end3) - from);
                        bulk_copy(to, matrices.weights(matrix) + (i64)row * INPUTS, here * ROW_BYTES, full + slot, policy);
                        from += here, count -= here, to += here * ROW_BYTES;
                    }
                }
                if (stage == min(STAGES, stages) - 1) {
                    let_others_start();
                }
            }
        }
        return;
    }

    int group = warp / PARTS, part = warp % PARTS, member = threadIdx.x % MEMBERS, first = blockIdx.y * BATCH, count = min(BATCH, batch - first);
    bool normed = PROLOGUE != INPUT_PLAIN && norm_weight != nullptr, gated = PROLOGUE == INPUT_GATED && gate != nullptr;
    auto vector_of = [&](int i) { return (EACH * MEMBERS == VECTORS || member + i * MEMBERS < VECTORS) ? member + i * MEMBERS : 0; };
    // What a thread will finish of a chunk: its input, unit, and what is read for that beforehand.
    int my_input = threadIdx.x / CHUNK_UNITS, my_unit = threadIdx.x % CHUNK_UNITS;
    auto unit_of_chunk = [&](int chunk) { return unit_of(chunk * CHUNK_STAGES + my_unit / STAGE_UNITS, my_unit % STAGE_UNITS); };
    auto finishes = [&](int chunk) { return my_input < count && unit_of_chunk(chunk) < units; };
    Ending ending;
    float x[BATCH][EACH][N];

    // Twice: first with what is there now, so that instructions, parameters and the norm's weights have come when it counts.
#pragma unroll 1
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            wait_for_others();
        }
        uint4 rows[BATCH][EACH], gates[BATCH][EACH], norm[EACH];
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int at = vector_of(i) * N;
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
                i64 place = first + min(b, count - 1);
                rows[b][i] = fresh_load(input + place * input_stride + at);
                if (gated) {
                    gates[b][i] = fresh_load(gate + place * gate_stride + at);
                }
            }
            if (normed) {
                norm[i] = *reinterpret_cast<const uint4*>(norm_weight + at);
            }
        }
        if (finishes(0)) {
            ending = matrices.ending(output, (first + my_input) * output_stride, unit_of_chunk(0));
        }
        float scale[BATCH];
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            float total = 0.0f;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                Unpack<Code>::floats(rows[b][i], x[b][i]);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    x[b][i][k] = EACH * MEMBERS == VECTORS || member + i * MEMBERS < VECTORS ? x[b][i][k] : 0.0f;
                    total += x[b][i][k] * x[b][i][k];
                }
            }
            if (normed) {
                total = warp_sum(total);
                if (lane == 0) {
                    squares[pass][b][warp] = total;
                }
            }
        }
        if (normed) {
            wait_for_computing_warps();
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
                float total = 0.0f;
#pragma unroll
                for (int i = 0; i < PARTS; i++) {
                    total += squares[pass][b][group * PARTS + i];
                }
                scale[b] = rsqrtf(total * (1.0f / INPUTS) + epsilon);
            }
        }
        if (PROLOGUE != INPUT_PLAIN) {
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
#pragma unroll
                for (int i = 0; i < EACH; i++) {
                    float w[N], z[N];
                    Unpack<Code>::floats(norm[i], w);
                    Unpack<Code>::floats(gates[b][i], z);
#pragma unroll
                    for (int k = 0; k < N; k++) {
                        x[b][i][k] *= normed ? scale[b] * w[k] : 1.0f;
                        x[b][i][k] *= gated ? sigmoid(z[k]) : 1.0f;
                        x[b][i][k] = rounded<T>(x[b][i][k]);
                    }
                }
            }
        }
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            asm volatile("" :: "f"(x[b][0][0]));
        }
    }

    int chunk = 0, stage_of_chunk = 0;
#pragma unroll 1
    for (int stage = 0; stage < stages; stage++) {
        int slot = stage % STAGES;
        barrier_wait(full + slot, (stage / STAGES) & 1);
        const u8* rows = ring + slot * STAGE_BYTES + group * ROWS * ROW_BYTES;
        float sum[BATCH][ROWS] = {};
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                float w[N];
                Unpack<Code>::floats(*reinterpret_cast<const uint4*>(rows + r * ROW_BYTES + vector_of(i) * 16), w);
#pragma unroll
                for (int b = 0; b < BATCH; b++) {
#pragma unroll
                    for (int k = 0; k < N; k++) {
                        sum[b][r] = fmaf(w[k], x[b][i][k], sum[b][r]);
                    }
                }
            }
        }
        __syncwarp();
        if (lane == 0) {
            barrier_arrive(empty + slot);
        }
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            float total = sum_rows<ROWS>(sum[b]);
            if (lane % (32 / ROWS) == 0) {
                partial[chunk & 1][b][stage_of_chunk * STAGE_ROWS + group * ROWS + lane * ROWS / 32][part] = total;
            }
        }
        if (++stage_of_chunk == CHUNK_STAGES || stage == stages - 1) {
            wait_for_computing_warps();
            if (finishes(chunk)) {
                int row = my_unit / STAGE_UNITS * STAGE_ROWS + my_unit % STAGE_UNITS;
                float y = 0.0f, other = 0.0f;
#pragma unroll
                for (int i = 0; i < PARTS; i++) {
                    y += partial[chunk & 1][my_input][row][i];
                    if (EPILOGUE == SWIGLU) {
                        other += partial[chunk & 1][my_input][row + STAGE_UNITS][i];
                    }
                }
                matrices.write(output, (first + my_input) * output_stride, unit_of_chunk(chunk), ending, y, other);
            }
            chunk++, stage_of_chunk = 0;
            if (finishes(chunk)) {
                ending = matrices.ending(output, (first + my_input) * output_stride, unit_of_chunk(chunk));
            }
        }
    }
}
