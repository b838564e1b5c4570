// Sum of each column of a matrix of float32, in a fixed order: the last step of weight gradients. A block takes 32 columns, each of its 32 warps every
// 32nd row of them: a matrix has few columns, so what counts is how many rows are on their way at a time.
#include "halo.cuh"

typedef WEIGHT W;

extern "C" __global__ void __launch_bounds__(1024) column_sum(const float* matrix, W* sums, int rows, int width) {
    __shared__ float parts[32][33];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = blockIdx.x * 32;
    float sum = 0.0f;
    if (first + lane < width) {
#pragma unroll 4
        for (int row = warp; row < rows; row += 32) {
            sum += matrix[(i64)row * width + first + lane];
        }
    }
    parts[warp][lane] = sum;
    __syncthreads();

    // Now a warp has a column.
    sum = warp_sum(parts[lane][warp]);
    if (lane == 0 && first + warp < width) {
        sums[first + warp] = from_float<W>(sum);
    }
}
