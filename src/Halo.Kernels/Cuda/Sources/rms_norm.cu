// RMSNorm of rows: y = x w / sqrt(mean(x^2) + epsilon), in float32; with a residual, of sum = x + residual, which is also written.
#include "rows.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
rms_norm(const T* x, const T* residual, const W* weight, T* sum, T* y, i64 rows, float epsilon) {
    __shared__ RowSum<1> row_sum;
    i64 row = (i64)blockIdx.x * ROWS + threadIdx.x / SPAN, start = row * WIDTH;
    int place = threadIdx.x % SPAN, turn = 0;
    float value[PER_THREAD][N], total[1] = {0.0f};
#pragma unroll
    for (int i = 0; i < PER_THREAD; i++) {
        int vector = place + i * SPAN;
        if (row < rows && vector < VECTORS) {
            Pack<T>::load(x + start + vector * N, value[i]);
            if (residual != nullptr) {
                float other[N];
                Pack<T>::load(residual + start + vector * N, other);
#pragma unroll
                for (int j = 0; j < N; j++) {
                    value[i][j] = rounded<T>(value[i][j] + other[j]);
                }
                Pack<T>::store(sum + start + vector * N, value[i]);
            }
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
                w[j] *= value[i][j] * scale;
            }
            Pack<T>::store(y + start + vector * N, w);
        }
    }
}

// dx = r (w dy - x r^2 mean(w dy x)) + extra with r = 1 / sqrt(mean(x^2) + epsilon); dw = sum over rows of dy x r, one partial sum a block.
extern "C" __global__ void __launch_bounds__(THREADS)
rms_norm_backward(const T* x, const W* weight, const T* dy, const T* extra, T* dx, float* partial, i64 rows, float epsilon) {
    __shared__ RowSum<2> row_sum;
    int place = threadIdx.x % SPAN, turn = 0;
    float sums[PER_THREAD][N] = {};
    for (i64 base = (i64)blockIdx.x * ROWS; base < rows; base += (i64)gridDim.x * ROWS) {
        i64 row = base + threadIdx.x / SPAN, start = row * WIDTH;
        float value[PER_THREAD][N], gradient[PER_THREAD][N], totals[2] = {0.0f, 0.0f};
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++) {
            int vector = place + i * SPAN;
            if (row < rows && vector < VECTORS) {
                float w[N];
                Pack<T>::load(x + start + vector * N, value[i]);
                Pack<T>::load(dy + start + vector * N, gradient[i]);
                load_weights(weight + vector * N, w);
#pragma unroll
                for (int j = 0; j < N; j++) {
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
                float w[N], out[N];
                load_weights(weight + vector * N, w);
                if (extra != nullptr) {
                    Pack<T>::load(extra + start + vector * N, out);
                } else {
#pragma unroll
                    for (int j = 0; j < N; j++) {
                        out[j] = 0.0f;
                    }
                }
#pragma unroll
                for (int j = 0; j < N; j++) {
                    out[j] += scale * (gradient[i][j] * w[j] - value[i][j] * common);
                    sums[i][j] += gradient[i][j] * value[i][j] * scale;
                }
                Pack<T>::store(dx + start + vector * N, out);
            }
        }
    }
    if (partial != nullptr) {
        write_partial(sums, partial);
    }
}
