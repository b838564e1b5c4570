// Sum of each column of a matrix of float32, in a fixed order: the last step of weight gradients.
#include "halo.cuh"

typedef WEIGHT W;

extern "C" __global__ void __launch_bounds__(256) column_sum(const float* matrix, W* sums, int rows, int width) {
    __shared__ float parts[8][33];
    int lane = threadIdx.x % 32, part = threadIdx.x / 32, column = blockIdx.x * 32 + lane;
    float sum = 0.0f;
    if (column < width) {
        for (int row = part; row < rows; row += 8) {
            sum += matrix[(i64)row * width + column];
        }
    }
    parts[part][lane] = sum;
    __syncthreads();
    if (part == 0 && column < width) {
        sum = 0.0f;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            sum += parts[i][lane];
        }
        sums[column] = from_float<W>(sum);
    }
}
