// y = W x of a decoding step for BATCH inputs: weights stream through once, whole rows by a warp each, the inputs wait in shared memory as float32.
// Up to four matrices of the same inputs are one product. INPUTS: columns of W. PROLOGUE: what happens to the inputs before (decode_input.cuh);
// EPILOGUE: what happens to the result. WEIGHT_KIND: 0 weights of type ELEMENT, 1 8-bit codes with a scale a row.
#include "decode_input.cuh"

#define STORE 0
#define ADD 1
#define SWIGLU 2
#define LOGITS 3

#if WEIGHT_KIND == 1
typedef u8 Code;
#else
typedef T Code;
#endif

constexpr int N = Unpack<Code>::N;                  // weights in 16 bytes
constexpr int VECTORS = INPUTS / N;                 // of a row
constexpr int EACH = (VECTORS + 31) / 32;           // of them for a lane
constexpr int FLIGHT = EACH < 8 ? EACH : 8;         // asked for ahead by a lane
constexpr int CHUNKS = (EACH + FLIGHT - 1) / FLIGHT;
constexpr bool EVEN = VECTORS % (32 * FLIGHT) == 0;
constexpr int PLANES = N / 4;                       // inputs lie so that the lanes' reads of 16 bytes meet no bank twice
constexpr int PLANE = INPUTS / PLANES;
constexpr int MATRICES_A_UNIT = EPILOGUE == SWIGLU ? 2 : 1;

static_assert(INPUTS % N == 0, "a row must be whole vectors of 16 bytes");

struct Matrices {
    const Code* weight[4];
    const float* scale[4];
    const T* bias[4];
    int end[4];

    // The matrix of a row, and its number there.
    __device__ __forceinline__ int find(int& row) const {
        int matrix = row < end[0] ? 0 : row < end[1] ? 1 : row < end[2] ? 2 : 3;
        row -= matrix == 0 ? 0 : matrix == 1 ? end[0] : matrix == 2 ? end[1] : end[2];
        return matrix;
    }
    __device__ __forceinline__ const Code* weights(int matrix) const { return matrix == 0 ? weight[0] : matrix == 1 ? weight[1] : matrix == 2 ? weight[2] : weight[3]; }
    __device__ __forceinline__ float finish(int matrix, int row, float y) const {
        if (WEIGHT_KIND == 1) {
            y *= (matrix == 0 ? scale[0] : matrix == 1 ? scale[1] : matrix == 2 ? scale[2] : scale[3])[row];
        }
        const T* b = matrix == 0 ? bias[0] : matrix == 1 ? bias[1] : matrix == 2 ? bias[2] : bias[3];
        return b == nullptr ? y : y + to_float(b[row]);
    }
};

extern "C" __global__ void __launch_bounds__(512, 2)
decode_product(const Code* w0, const Code* w1, const Code* w2, const Code* w3, const float* scale0, const float* scale1, const float* scale2, const float* scale3,
               const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
               const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, void* output, i64 output_stride, int batch) {
    extern __shared__ float inputs[]; // [BATCH][PLANES][PLANE]
    __shared__ float scratch[32];
    let_others_start();
    Matrices matrices = {{w0, w1, w2, w3}, {scale0, scale1, scale2, scale3}, {bias0, bias1, bias2, bias3}, {end0, end1, end2, end3}};
    int lane = threadIdx.x % 32, warps = gridDim.x * (blockDim.x / 32), unit = blockIdx.x + gridDim.x * (threadIdx.x / 32);
    int units = EPILOGUE == SWIGLU ? end0 : end3;
    int first = blockIdx.y * BATCH;

    // The rows of a warp are one stream of chunks: unit after unit, for SwiGLU the gate's row and then the other.
    auto row_of = [&](int unit, int part) {
        int row = unit, matrix = EPILOGUE == SWIGLU ? part : matrices.find(row);
        return (unit < units ? matrices.weights(matrix) + (i64)row * INPUTS : matrices.weight[0]) + lane * N;
    };
    uint4 flight[FLIGHT];
    auto load = [&](const Code* row, int chunk, int i) {
        int vector = chunk * FLIGHT * 32 + i * 32;
        if (EVEN || vector + lane < VECTORS) {
            flight[i] = stream_load(row + vector * N);
        }
    };
    const Code* row = row_of(unit, 0);
    if (unit < units) {
#pragma unroll
        for (int i = 0; i < FLIGHT; i++) {
            load(row, 0, i);
        }
    }

    wait_for_others();
    int count = min(BATCH, batch - first);
    for (int b = 0; b < BATCH; b++) {
        float* to = inputs + b * INPUTS;
        i64 place = first + min(b, count - 1);
        make_input<INPUTS, PROLOGUE>(input + place * input_stride, gate == nullptr ? nullptr : gate + place * gate_stride, norm_weight, epsilon, scratch,
            [&](int at, const float (&x)[Pack<T>::N]) {
#pragma unroll
                for (int j = 0; j < Pack<T>::N; j += 4) {
                    int k = at + j;
                    *reinterpret_cast<float4*>(to + k % N / 4 * PLANE + k / N * 4) =
                        make_float4(rounded<T>(x[j]), rounded<T>(x[j + 1]), rounded<T>(x[j + 2]), rounded<T>(x[j + 3]));
                }
            });
    }
    __syncthreads();

    float sums[MATRICES_A_UNIT][BATCH];
    while (unit < units) {
#pragma unroll
        for (int part = 0; part < MATRICES_A_UNIT; part++) {
            bool last_part = part == MATRICES_A_UNIT - 1;
            int next_unit = last_part ? unit + warps : unit;
            const Code* next = row_of(next_unit, last_part ? 0 : part + 1);
            float sum[BATCH] = {};
#pragma unroll
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
#pragma unroll
                for (int i = 0; i < FLIGHT; i++) {
                    int vector = chunk * FLIGHT * 32 + i * 32;
                    if (chunk * FLIGHT + i < EACH && (EVEN || vector + lane < VECTORS)) {
                        float w[N];
                        Unpack<Code>::floats(flight[i], w);
#pragma unroll
                        for (int b = 0; b < BATCH; b++) {
#pragma unroll
                            for (int p = 0; p < PLANES; p++) {
                                float4 x = *reinterpret_cast<const float4*>(inputs + b * INPUTS + p * PLANE + (vector + lane) * 4);
                                sum[b] = fmaf(w[4 * p], x.x, sum[b]);
                                sum[b] = fmaf(w[4 * p + 1], x.y, sum[b]);
                                sum[b] = fmaf(w[4 * p + 2], x.z, sum[b]);
                                sum[b] = fmaf(w[4 * p + 3], x.w, sum[b]);
                            }
                        }
                    }
                    if (chunk + 1 < CHUNKS) {
                        load(row, chunk + 1, i);
                    } else if (next_unit < units) {
                        load(next, 0, i);
                    }
                }
            }
            row = next;
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
                sums[part][b] = warp_sum(sum[b]);
            }
        }

        // Lane b finishes input b.
        int at = unit, matrix = EPILOGUE == SWIGLU ? 0 : matrices.find(at);
        float y = 0.0f, other = 0.0f;
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            if (lane == b) {
                y = sums[0][b];
                other = sums[MATRICES_A_UNIT - 1][b];
            }
        }
        if (lane < count) {
            i64 place = (first + lane) * output_stride + unit;
            y = rounded<T>(matrices.finish(matrix, at, y));
            if (EPILOGUE == LOGITS) {
                static_cast<float*>(output)[place] = y;
            } else {
                T* to = static_cast<T*>(output) + place;
                if (EPILOGUE == SWIGLU) {
                    other = rounded<T>(matrices.finish(1, at, other));
                    y *= sigmoid(y) * other;
                } else if (EPILOGUE == ADD) {
                    y += to_float(*to);
                }
                *to = from_float<T>(y);
            }
        }
        unit += warps;
    }
}
