// The inputs of a product of a decoding step as a kernel of its own, for batches: rows of WIDTH, normed (PROLOGUE 1) or normed and gated (2).
#include "decode_input.cuh"

extern "C" __global__ void __launch_bounds__(256)
decode_prepare(const T* input, i64 input_stride, const T* gate, i64 gate_stride, const T* norm_weight, float epsilon, T* output, i64 output_stride) {
    __shared__ float scratch[32];
    wait_for_others();
    let_others_start();
    T* to = output + blockIdx.x * output_stride;
    make_input<WIDTH, 256, PROLOGUE>(input + blockIdx.x * input_stride, gate == nullptr ? nullptr : gate + blockIdx.x * gate_stride, norm_weight, epsilon, scratch,
        [&](int at, const float (&x)[Pack<T>::N]) { Pack<T>::store(to + at, x); });
}
