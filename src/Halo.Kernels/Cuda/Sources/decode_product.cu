// y = W x of a decoding step for BATCH inputs: weights stream through once, whole rows by a warp each, the inputs wait in shared memory as float32.
// Up to four matrices of the same inputs are one product. INPUTS: columns of W. PROLOGUE: what happens to the inputs before (decode_input.cuh);
// EPILOGUE: what happens to the result (decode_matrices.cuh, WEIGHT_KIND as well).
#include "decode_input.cuh"
#include "decode_matrices.cuh"

constexpr int N = Unpack<Code>::N;                  // weights in 16 bytes
constexpr int VECTORS = INPUTS / N;                 // of a row
constexpr int EACH = (VECTORS + 31) / 32;           // of them for a lane
constexpr int FLIGHT = EACH < 8 ? EACH : 8;         // asked for ahead by a lane
constexpr int CHUNKS = (EACH + FLIGHT - 1) / FLIGHT;
constexpr bool EVEN = VECTORS % (32 * FLIGHT) == 0;
constexpr int PLANES = N / 4;                       // inputs lie so that the lanes' reads of 16 bytes meet no bank twice
constexpr int PLANE = INPUTS / PLANES;
constexpr int THREADS = 512;
constexpr int MATRICES_A_UNIT = EPILOGUE == SWIGLU ? 2 : 1;

static_assert(INPUTS % N == 0, "a row must be whole vectors of 16 bytes");

// Inputs are read from shared memory for each row: kept in registers, as the compiler would, they leave no room for weights on their way.
__device__ __forceinline__ float4 read_again(const float* from) {
    float4 x;
    asm volatile("ld.volatile.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(x.x), "=f"(x.y), "=f"(x.z), "=f"(x.w) : "r"((u32)__cvta_generic_to_shared(from)));
    return x;
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
decode_product(const Code* w0, const Code* w1, const Code* w2, const Code* w3, const float* scale0, const float* scale1, const float* scale2, const float* scale3,
               const T* bias0, const T* bias1, const T* bias2, const T* bias3, int end0, int end1, int end2, int end3,
               const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, void* output, i64 output_stride, int batch) {
    extern __shared__ float inputs[]; // [BATCH][PLANES][PLANE]
    __shared__ float scratch[32];
    Matrices matrices = MATRICES_OF_ARGUMENTS;
    int lane = threadIdx.x % 32, warps = gridDim.x * (THREADS / 32), unit = blockIdx.x + gridDim.x * (threadIdx.x / 32);
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
    let_others_start();
    int count = min(BATCH, batch - first);
    for (int b = 0; b < BATCH; b++) {
        float* to = inputs + b * INPUTS;
        i64 place = first + min(b, count - 1);
        make_input<INPUTS, THREADS, PROLOGUE>(input + place * input_stride, gate == nullptr ? nullptr : gate + place * gate_stride, norm_weight, epsilon, scratch,
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

    // One row after another; for SwiGLU the sums of the gate's row are kept until the other row is done. Both go through the same code,
    // which the compiler must not have twice: it would need more registers than there are.
    float kept[BATCH] = {};
    int part = 0;
#pragma unroll 1
    while (unit < units) {
        bool last = part == MATRICES_A_UNIT - 1;
        int next_unit = last ? unit + warps : unit, next_part = last ? 0 : part + 1;
        const Code* next = row_of(next_unit, next_part);
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
                            float4 x = read_again(inputs + b * INPUTS + p * PLANE + (vector + lane) * 4);
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
            sum[b] = warp_sum(sum[b]);
        }
        if (last) {
            // Lane b finishes input b.
            float y = sum[0], other = sum[0];
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
                if (lane == b) {
                    y = MATRICES_A_UNIT == 2 ? kept[b] : sum[b];
                    other = sum[b];
                }
            }
            if (lane < count) {
                matrices.write(output, (first + lane) * output_stride, unit, y, other);
            }
        } else {
#pragma unroll
            for (int b = 0; b < BATCH; b++) {
                kept[b] = sum[b];
            }
        }
        unit = next_unit;
        part = next_part;
    }
}
