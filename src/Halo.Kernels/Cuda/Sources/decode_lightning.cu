// One token of Lightning attention (arXiv 2401.04658; the layer of arXiv 2601.22156): norm and rotation of q and k,
// S = exp(-m) S + k^T v, o = c q S. A block does COLUMNS (16, 32 or 64) columns of a head's state. Grid (D / COLUMNS, heads, batch), 256 threads.
#include "decode.cuh"

constexpr int ROW_THREADS = COLUMNS / 4; // four values to a thread
constexpr int ROWS = 256 / ROW_THREADS;  // of a pass
constexpr int PASSES = D / ROWS;

static_assert(D % 64 == 0 && D % ROWS == 0 && D % COLUMNS == 0, "the head dimension does not fit");

extern "C" __global__ void __launch_bounds__(256)
decode_lightning(const T* p, i64 stride, int key_offset, int value_offset, int heads, int key_heads, const T* q_norm, const T* k_norm, float epsilon,
                 const float* frequencies, float rotary_factor, const float* slopes, const i64* states, const int* positions, float scale, T* output, i64 output_stride) {
    __shared__ float angles[D], query[D], key[D], partial[8][COLUMNS];
    int head = blockIdx.y, row = blockIdx.z, key_head = head * key_heads / heads, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int column = blockIdx.x * COLUMNS + threadIdx.x % ROW_THREADS * 4, first = threadIdx.x / ROW_THREADS;
    float* state = reinterpret_cast<float*>(states[row]) + (i64)head * D * D + column;
    float4 s[PASSES];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        s[i] = *reinterpret_cast<const float4*>(state + (first + ROWS * i) * D);
    }
    if (frequencies != nullptr && threadIdx.x < D / 2) {
        rotation(max(0, positions[row]), frequencies[threadIdx.x], rotary_factor, angles[threadIdx.x], angles[D / 2 + threadIdx.x]);
    }
    float decay = expf(-slopes[head]);
    __syncthreads();

    wait_for_others();
    let_others_start();
    p += row * stride;
    if (warp < 2) {
        float x[D / 32];
        prepare_head<D>(p + (warp == 0 ? head * D : key_offset + key_head * D), warp == 0 ? q_norm : k_norm, epsilon, frequencies == nullptr ? nullptr : angles, x);
#pragma unroll
        for (int i = 0; i < D / 32; i++) {
            (warp == 0 ? query : key)[lane + 32 * i] = warp == 0 ? x[i] * scale : x[i];
        }
    }
    float v[4], o[4] = {};
#pragma unroll
    for (int j = 0; j < 4; j++) {
        v[j] = to_float(p[value_offset + key_head * D + column + j]);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        float k = key[first + ROWS * i], q = query[first + ROWS * i];
        s[i] = make_float4(s[i].x * decay + k * v[0], s[i].y * decay + k * v[1], s[i].z * decay + k * v[2], s[i].w * decay + k * v[3]);
        *reinterpret_cast<float4*>(state + (first + ROWS * i) * D) = s[i];
        o[0] += q * s[i].x, o[1] += q * s[i].y, o[2] += q * s[i].z, o[3] += q * s[i].w;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
#pragma unroll
        for (int step = ROW_THREADS; step < 32; step *= 2) {
            o[j] += __shfl_xor_sync(FULL_WARP, o[j], step);
        }
        if (lane < ROW_THREADS) {
            partial[warp][lane * 4 + j] = o[j];
        }
    }
    __syncthreads();
    if (threadIdx.x < COLUMNS) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            sum += partial[i][threadIdx.x];
        }
        output[row * output_stride + head * D + blockIdx.x * COLUMNS + threadIdx.x] = from_float<T>(sum);
    }
}
