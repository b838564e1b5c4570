// Output norm and gate of rows: y = o w / sqrt(mean(o^2) + epsilon) sigmoid(z), in float32.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
gated_norm(const T* o, const W* weight, const T* z, T* y, i64 rows, float epsilon) {
    __shared__ RowSum<1> row_sum;
    i64 row = (i64)blockIdx.x * ROWS + threadIdx.x / SPAN, start = row * WIDTH;
    int place = threadIdx.x % SPAN, turn = 0;
    float value[PER_THREAD][N], gate[PER_THREAD][N], total[1] = {0.0f};
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++) {
        int vector = place + i * SPAN;
        if (row < rows && vector < VECTORS) {
            Pack<T>::load(o + start + vector * N, value[i]);
            Pack<T>::load(z + start + vector * N, gate[i]);
#pragma unroll
            for (int j = 0; j < N; j++) {
                total[0] += value[i][j] * value[i][j];
            }
        }
    }
    row_sum(total, turn);
    float scale = rsqrtf(total[0] * (1.0f / WIDTH) + epsilon);
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++) {
        int vector = place + i * SPAN;
        if (row < rows && vector < VECTORS) {
            float w[N];
            load_weights(weight + vector * N, w);
#pragma unroll
            for (int j = 0; j < N; j++) {
                w[j] *= value[i][j] * scale * sigmoid(gate[i][j]);
            }
            Pack<T>::store(y + start + vector * N, w);
        }
    }
}

// With s = sigmoid(z), g = dy s: that of the norm for g, and dz = g n (1 - s), where n is the normed row.
extern "C" __global__ void __launch_bounds__(THREADS)
gated_norm_backward(const T* o, const W* weight, const T* z, const T* dy, T* d_o, T* dz, float* partial, i64 rows, float epsilon) {
    __shared__ RowSum<2> row_sum;
    int place = threadIdx.x % SPAN, turn = 0;
    float sums[PER_THREAD][N] = {};
    for (i64 base = (i64)blockIdx.x * ROWS; base < rows; base += (i64)gridDim.x * ROWS) {
        i64 row = base + threadIdx.x / SPAN, start = row * WIDTH;
        float value[PER_THREAD][N], gradient[PER_THREAD][N], closed[PER_THREAD][N], totals[2] = {0.0f, 0.0f};
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++) {
            int vector = place + i * SPAN;
            if (row < rows && vector < VECTORS) {
                float w[N];
                Pack<T>::load(o + start + vector * N, value[i]);
                Pack<T>::load(z + start + vector * N, closed[i]);
                Pack<T>::load(dy + start + vector * N, gradient[i]);
                load_weights(weight + vector * N, w);
#pragma unroll
                for (int j = 0; j < N; j++) {
                    float gate = sigmoid(closed[i][j]);
                    gradient[i][j] *= gate;
                    closed[i][j] = 1.0f - gate;
                    totals[0] += value[i][j] * value[i][j];
                    totals[1] += value[i][j] * gradient[i][j] * w[j];
                }
            }
        }
        row_sum(totals, turn);
        float scale = rsqrtf(totals[0] * (1.0f / WIDTH) + epsilon);
        float common = totals[1] * (1.0f / WIDTH) * scale * scale;
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++) {
            int vector = place + i * SPAN;
            if (row < rows && vector < VECTORS) {
                float w[N];
                load_weights(weight + vector * N, w);
#pragma unroll
                for (int j = 0; j < N; j++) {
                    float normed = value[i][j] * scale;
                    sums[i][j] += gradient[i][j] * normed;
                    closed[i][j] *= gradient[i][j] * normed * w[j];
                    gradient[i][j] = scale * (gradient[i][j] * w[j] - value[i][j] * common);
                }
                Pack<T>::store(d_o + start + vector * N, gradient[i]);
                Pack<T>::store(dz + start + vector * N, closed[i]);
            }
        }
    }
    if (partial != nullptr) {
        write_partial(sums, partial);
    }
}
