// The embeddings of the ids of a decoding step. WEIGHT_KIND: 0 weights of type ELEMENT, 1 8-bit codes with a scale a row.
#include "decode.cuh"

#if WEIGHT_KIND == 1
typedef signed char Code;
__device__ __forceinline__ float value(Code code) { return (float)code; }
#else
typedef T Code;
__device__ __forceinline__ float value(Code code) { return to_float(code); }
#endif

extern "C" __global__ void __launch_bounds__(256)
decode_embed(const i64* ids, const Code* weight, const float* scales, T* output, i64 output_stride, int width) {
    wait_for_others();
    let_others_start();
    i64 id = ids[blockIdx.x];
    float scale = WEIGHT_KIND == 1 ? scales[id] : 1.0f;
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        output[blockIdx.x * output_stride + i] = from_float<T>(value(weight[id * width + i]) * scale);
    }
}
