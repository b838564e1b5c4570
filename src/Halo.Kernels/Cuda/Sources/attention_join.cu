// Joins attention over a piece of the keys to that over others, in place: with s and s' = ln of the sums of exponentials of both,
// o += (o' - o) sigmoid(s' - s) and s = ln(e^s + e^s'). A row is one head of one query, HEAD_DIM values by LANES threads of 16 bytes. The piece's
// query heads that share a key head stand behind one another as its tokens. Both outputs have strides of their own, sums are contiguous.
#include "halo.cuh"

typedef ELEMENT T;

constexpr int N = Pack<T>::N;
constexpr int LANES = HEAD_DIM / N;
constexpr int ROWS = 256 / LANES;

static_assert(HEAD_DIM % N == 0 && LANES <= 32 && (LANES & (LANES - 1)) == 0, "the head dimension does not fit");

extern "C" __global__ void __launch_bounds__(256)
attention_join(T* o, i64 o_batch, i64 o_head, i64 o_token, float* sum, const T* piece, i64 piece_batch, i64 piece_head, i64 piece_token, const float* piece_sum,
               i64 rows, int heads, int group, int length) {
    i64 index = (i64)blockIdx.x * ROWS + threadIdx.x / LANES;
    bool real = index < rows;
    u32 row = real ? (u32)index : 0u, at = row / length, token = row - at * length, batch = at / heads, head = at - batch * heads, key = head / group;
    float old = sum[row], other = piece_sum[row], share = sigmoid(other - old);

    // All threads of a row have read its sum before one of them writes it: they are of one warp.
    __syncwarp();
    if (!real) {
        return;
    }
    int column = threadIdx.x % LANES * N;
    T* to = o + batch * o_batch + head * o_head + token * o_token + column;
    const T* from = piece + batch * piece_batch + key * piece_head + ((i64)(head - key * group) * length + token) * piece_token + column;
    float value[N], added[N];
    Pack<T>::load(to, value);
    Pack<T>::load(from, added);
#pragma unroll
    for (int j = 0; j < N; j++) {
        value[j] += share * (added[j] - value[j]);
    }
    Pack<T>::store(to, value);
    if (column == 0) {
        sum[row] = fmaxf(old, other) + logf(1.0f + expf(-fabsf(other - old)));
    }
}
