// Shows that kernels can be compiled and launched: y = x + value.
#include "halo.cuh"

extern "C" __global__ void probe_add(const float* x, float* y, i64 count, float value) {
    i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) {
        y[i] = x[i] + value;
    }
}
