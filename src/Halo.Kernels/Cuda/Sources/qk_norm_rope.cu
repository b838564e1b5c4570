// QK-norm and RoPE of queries and keys in one launch. A head of HEAD_DIM = D values is one row: y = rotate(x w / sqrt(mean(x^2) + epsilon)), where
// the pair of value i is i + D/2. A row is worked on by LANES threads; each holds N values of the first half and their partners.
// Without weights there is no norm, without a table of cosines no rotation. Forwards, queries may also be multiplied by a factor for each token.
#include "halo.cuh"

typedef ELEMENT T;
typedef WEIGHT W;

constexpr int N = Pack<T>::N;
constexpr int D = HEAD_DIM;
constexpr int HALF = D / 2;
constexpr int LANES = HALF / N;
constexpr int ROWS = 256 / LANES;

static_assert(HALF % N == 0 && LANES <= 32 && (LANES & (LANES - 1)) == 0, "the head dimension does not fit");

// Which head of which token. 32 bits do for the count of rows, and divide faster than 64.
struct Head {
    i64 row; // in the tensor of queries or of keys
    u32 batch, token, head;
    bool isQuery;

    __device__ __forceinline__ Head(u32 index, u32 length, u32 heads, u32 keyHeads) {
        u32 at = index / (heads + keyHeads);
        head = index - at * (heads + keyHeads);
        isQuery = head < heads;
        head = isQuery ? head : head - heads;
        row = (i64)at * (isQuery ? heads : keyHeads) + head;
        batch = at / length;
        token = at - batch * length;
    }
};

__device__ __forceinline__ void load_floats(const W* from, float (&x)[N]) {
#pragma unroll
    for (int j = 0; j < N; j++) {
        x[j] = to_float(from[j]);
    }
}

__device__ __forceinline__ void load_table(const float* from, float (&x)[N]) {
#pragma unroll
    for (int j = 0; j < N; j += 4) {
        float4 raw = *reinterpret_cast<const float4*>(from + j);
        x[j] = raw.x, x[j + 1] = raw.y, x[j + 2] = raw.z, x[j + 3] = raw.w;
    }
}

extern "C" __global__ void __launch_bounds__(256)
qk_norm_rope(const T* q, const T* k, const W* q_weight, const W* k_weight, const float* cosine, const float* sine, i64 angle_stride,
             const float* factor, i64 factor_batch, i64 factor_token, T* q_out, T* k_out, i64 rows, int length, int heads, int key_heads, float epsilon) {
    i64 index = (i64)blockIdx.x * ROWS + threadIdx.x / LANES;
    int column = threadIdx.x % LANES * N;
    bool real = index < rows;
    Head head(real ? (u32)index : 0u, length, heads, key_heads);
    const T* from = (head.isQuery ? q : k) + head.row * D + column;
    const W* weight = head.isQuery ? q_weight : k_weight;
    float low[N], high[N];
    Pack<T>::load(from, low);
    Pack<T>::load(from + HALF, high);
    if (q_weight != nullptr) {
        float total = 0.0f, w[N];
#pragma unroll
        for (int j = 0; j < N; j++) {
            total += low[j] * low[j] + high[j] * high[j];
        }
        float scale = rsqrtf(warp_sum<LANES>(total) * (1.0f / D) + epsilon);
        load_floats(weight + column, w);
#pragma unroll
        for (int j = 0; j < N; j++) {
            low[j] *= scale * w[j];
        }
        load_floats(weight + column + HALF, w);
#pragma unroll
        for (int j = 0; j < N; j++) {
            high[j] *= scale * w[j];
        }
    }
    if (cosine != nullptr) {
        // The table's second half is that of the first, its sine with the other sign; the sign of the first is in the table.
        float c[N], s[N];
        i64 angle = head.batch * angle_stride + (i64)head.token * D + column;
        load_table(cosine + angle, c);
        load_table(sine + angle, s);
#pragma unroll
        for (int j = 0; j < N; j++) {
            float turned = low[j] * c[j] + high[j] * s[j];
            high[j] = high[j] * c[j] - low[j] * s[j];
            low[j] = turned;
        }
    }
    if (factor != nullptr && head.isQuery) {
        float scale = factor[head.batch * factor_batch + head.token * factor_token];
#pragma unroll
        for (int j = 0; j < N; j++) {
            low[j] *= scale;
            high[j] *= scale;
        }
    }
    if (real) {
        T* to = (head.isQuery ? q_out : k_out) + head.row * D + column;
        Pack<T>::store(to, low);
        Pack<T>::store(to + HALF, high);
    }
}


extern "C" __global__ void __launch_bounds__(256)
qk_norm_rope_backward(const T* q, const T* k, const W* q_weight, const W* k_weight, const float* cosine, const float* sine, i64 angle_stride,
                      const T* dq, i64 dq_batch, i64 dq_token, i64 dq_head, const T* dk, i64 dk_batch, i64 dk_token, i64 dk_head,
                      T* q_gradient, T* k_gradient, float* partial, i64 rows, int length, int heads, int key_heads, float epsilon) {
    int column = threadIdx.x % LANES * N;
    bool normed = q_weight != nullptr;
    float sums[2][2][N] = {}; // of queries and keys, of the first and second half
    for (i64 base = (i64)blockIdx.x * ROWS; base < rows; base += (i64)gridDim.x * ROWS) {
        i64 index = base + threadIdx.x / LANES;
        bool real = index < rows;
        Head head(real ? (u32)index : 0u, length, heads, key_heads);
        const T* from = head.isQuery ? dq + head.batch * dq_batch + head.token * dq_token + head.head * dq_head
                                     : dk + head.batch * dk_batch + head.token * dk_token + head.head * dk_head;
        float low[N], high[N];
        Pack<T>::load(from + column, low);
        Pack<T>::load(from + column + HALF, high);
        if (cosine != nullptr) {
            float c[N], s[N];
            i64 angle = head.batch * angle_stride + (i64)head.token * D + column;
            load_table(cosine + angle, c);
            load_table(sine + angle, s);
#pragma unroll
            for (int j = 0; j < N; j++) {
                float turned = low[j] * c[j] - high[j] * s[j];
                high[j] = high[j] * c[j] + low[j] * s[j];
                low[j] = turned;
            }
        }
        if (normed) {
            const T* input = (head.isQuery ? q : k) + head.row * D + column;
            const W* weight = (head.isQuery ? q_weight : k_weight) + column;
            float x_low[N], x_high[N], w_low[N], w_high[N], squares = 0.0f, products = 0.0f;
            Pack<T>::load(input, x_low);
            Pack<T>::load(input + HALF, x_high);
            load_floats(weight, w_low);
            load_floats(weight + HALF, w_high);
#pragma unroll
            for (int j = 0; j < N; j++) {
                squares += x_low[j] * x_low[j] + x_high[j] * x_high[j];
                products += x_low[j] * low[j] * w_low[j] + x_high[j] * high[j] * w_high[j];
            }
            float scale = rsqrtf(warp_sum<LANES>(squares) * (1.0f / D) + epsilon);
            float common = warp_sum<LANES>(products) * (1.0f / D) * scale * scale;
            float to_query = real && head.isQuery ? scale : 0.0f, to_key = real && !head.isQuery ? scale : 0.0f;
#pragma unroll
            for (int j = 0; j < N; j++) {
                float first = low[j] * x_low[j], second = high[j] * x_high[j];
                sums[0][0][j] += first * to_query;
                sums[0][1][j] += second * to_query;
                sums[1][0][j] += first * to_key;
                sums[1][1][j] += second * to_key;
                low[j] = scale * (low[j] * w_low[j] - x_low[j] * common);
                high[j] = scale * (high[j] * w_high[j] - x_high[j] * common);
            }
        }
        if (real) {
            T* to = (head.isQuery ? q_gradient : k_gradient) + head.row * D + column;
            Pack<T>::store(to, low);
            Pack<T>::store(to + HALF, high);
        }
    }
    if (partial == nullptr) {
        return;
    }

    // Within a warp by shuffles, between the 8 warps one after the other: always the same order.
    __shared__ float columns[2][D];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < N; j++) {
#pragma unroll
            for (int step = 16; step >= LANES; step /= 2) {
                sums[i / 2][i % 2][j] += __shfl_xor_sync(FULL_WARP, sums[i / 2][i % 2][j], step);
            }
        }
    }
    for (int turn = 0; turn < 8; turn++) {
        if (warp == turn && lane < LANES) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < N; j++) {
                    float* sum = &columns[i / 2][i % 2 * HALF + column + j];
                    *sum = (turn == 0 ? 0.0f : *sum) + sums[i / 2][i % 2][j];
                }
            }
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < 2 * D; i += 256) {
        partial[(i64)blockIdx.x * 2 * D + i] = columns[i / D][i % D];
    }
}
