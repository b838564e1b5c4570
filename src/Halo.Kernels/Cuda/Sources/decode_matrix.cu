// y = W x of a decoding step for up to COLUMNS bfloat16 inputs (8, 16 or 32; more go in several blocks of the grid's second direction), on tensor cores. A block
// does 16 rows of W at a time: its 16 warps divide the columns of W, and their sums are added in shared memory, where the inputs lie too.
// A lane's 16 bytes of a row are a fragment for as many products as they fill: inputs are taken in the same order, so that the sum is the same.
// Parameters and definitions are those of decode_product.cu; inputs are taken as they are.
#include "decode_matrices.cuh"
#include "tensor_cores.cuh"

constexpr int N = Unpack<Code>::N;                  // weights in 16 bytes
constexpr int STEP = 4 * N;                         // columns of W for four lanes at once
constexpr int WARPS = 16;
constexpr int TILES = COLUMNS / 8;
constexpr int MOST_COLUMNS = 65536 / COLUMNS;       // of W whose inputs are kept at once
constexpr int PHASE = INPUTS <= MOST_COLUMNS ? INPUTS : MOST_COLUMNS;
constexpr int PHASES = (INPUTS + PHASE - 1) / PHASE;
constexpr int STEPS = PHASE / STEP;                 // of a phase
constexpr int FLIGHT = (STEPS + WARPS - 1) / WARPS; // of them for a warp
constexpr int ROW = PHASE + 32;                     // 64 bytes more: lanes of two neighbouring inputs meet different banks
constexpr int PART = COLUMNS + 8;                   // the same for the sums
constexpr int UNITS_A_TILE = EPILOGUE == SWIGLU ? 8 : 16;

static_assert(INPUTS % STEP == 0 && PHASE % STEP == 0, "rows must be whole steps");

extern "C" __global__ void __launch_bounds__(512, 1)
decode_matrix(const Code* w0, const Code* w1, const Code* w2, const Code* w3, const float* scale0, const float* scale1, const float* scale2, const float* scale3,
              const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
              const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, void* output, i64 output_stride, int batch) {
    extern __shared__ uint4 shared[];
    T* inputs = reinterpret_cast<T*>(shared);                        // [COLUMNS][ROW]
    float* parts = reinterpret_cast<float*>(inputs + COLUMNS * ROW); // [WARPS][16][PART]
    Matrices matrices = MATRICES_OF_ARGUMENTS;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, member = lane % 4;
    int units = EPILOGUE == SWIGLU ? end0 : end3, tiles = (units + UNITS_A_TILE - 1) / UNITS_A_TILE, first = blockIdx.y * COLUMNS;

    // A lane's rows of a tile are `group` and `group` + 8; for SwiGLU the upper eight are those of the second matrix.
    auto row_of = [&](int tile, int half) {
        int row = EPILOGUE == SWIGLU ? tile * 8 + group : tile * 16 + group + 8 * half;
        row = min(row, units - 1);
        int matrix = EPILOGUE == SWIGLU ? half : matrices.find(row);
        return matrices.weights(matrix) + (i64)row * INPUTS + member * N;
    };
    uint4 flight[FLIGHT][2];
    auto load = [&](const Code* low, const Code* high, int phase, int i) {
        int step = warp + i * WARPS;
        if (STEPS % WARPS == 0 || step < STEPS) {
            int at = phase * PHASE + step * STEP;
            if (INPUTS % PHASE == 0 || at < INPUTS) {
                flight[i][0] = stream_load(low + at);
                flight[i][1] = stream_load(high + at);
            }
        }
    };
    auto take_inputs = [&](int phase) {
        constexpr int VECTORS = PHASE / 8;
        for (int i = threadIdx.x; i < COLUMNS * VECTORS; i += blockDim.x) {
            int b = i / VECTORS, at = i % VECTORS * 8;
            bool real = first + b < batch && phase * PHASE + at < INPUTS;
            copy_async(inputs + b * ROW + at, real ? input + (first + b) * input_stride + phase * PHASE + at : input, real);
        }
        wait_for_copies();
    };

    int tile = blockIdx.x;
    const Code *low = row_of(min(tile, tiles - 1), 0), *high = row_of(min(tile, tiles - 1), 1);
#pragma unroll
    for (int i = 0; i < FLIGHT; i++) {
        load(low, high, 0, i);
    }
    wait_for_others();
    let_others_start();
    take_inputs(0);
    __syncthreads();

    for (; tile < tiles; tile += gridDim.x) {
        int next_tile = min(tile + (int)gridDim.x, tiles - 1);
        const Code *next_low = row_of(next_tile, 0), *next_high = row_of(next_tile, 1);
        float sums[TILES][4] = {};
        for (int phase = 0; phase < PHASES; phase++) {
            if (PHASES > 1 && (phase > 0 || tile != (int)blockIdx.x)) {
                __syncthreads();
                take_inputs(phase);
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < FLIGHT; i++) {
                int step = warp + i * WARPS;
                if ((STEPS % WARPS == 0 || step < STEPS) && (INPUTS % PHASE == 0 || phase * PHASE + step * STEP < INPUTS)) {
                    Pairs<Code> a(flight[i][0]), b(flight[i][1]);
#pragma unroll
                    for (int n = 0; n < TILES; n++) {
                        const uint4* x = reinterpret_cast<const uint4*>(inputs + (n * 8 + group) * ROW + step * STEP + member * N);
#pragma unroll
                        for (int j = 0; j < N / 8; j++) {
                            uint4 raw = x[j];
                            multiply(sums[n], a.word[4 * j], b.word[4 * j], a.word[4 * j + 1], b.word[4 * j + 1], raw.x, raw.y);
                            multiply(sums[n], a.word[4 * j + 2], b.word[4 * j + 2], a.word[4 * j + 3], b.word[4 * j + 3], raw.z, raw.w);
                        }
                    }
                }
                if (phase + 1 < PHASES) {
                    load(low, high, phase + 1, i);
                } else {
                    load(next_low, next_high, 0, i);
                }
            }
        }
        low = next_low, high = next_high;
#pragma unroll
        for (int n = 0; n < TILES; n++) {
            float* to = parts + (warp * 16 + group) * PART + n * 8 + member * 2;
            *reinterpret_cast<float2*>(to) = make_float2(sums[n][0], sums[n][1]);
            *reinterpret_cast<float2*>(to + 8 * PART) = make_float2(sums[n][2], sums[n][3]);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < UNITS_A_TILE * COLUMNS; i += blockDim.x) {
            int b = i % COLUMNS, r = i / COLUMNS, unit = tile * UNITS_A_TILE + r;
            if (first + b < batch && unit < units) {
                float y = 0.0f, other = 0.0f;
#pragma unroll
                for (int w = 0; w < WARPS; w++) {
                    y += parts[(w * 16 + r) * PART + b];
                    if (EPILOGUE == SWIGLU) {
                        other += parts[(w * 16 + r + 8) * PART + b];
                    }
                }
                matrices.write(output, (first + b) * output_stride, unit, y, other);
            }
        }
        __syncthreads();
    }
}
