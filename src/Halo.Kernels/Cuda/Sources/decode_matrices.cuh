// The up to four matrices of a product of a decoding step, as if they were one below the other, and what happens to the result.
// WEIGHT_KIND: 0 weights of type ELEMENT, 1 8-bit codes with a float32 scale a row. EPILOGUE: STORE keeps the result, ADD adds it to what is there,
// SWIGLU keeps silu(first matrix) * second matrix, LOGITS keeps it as float32.
#pragma once
#include "decode.cuh"

#define STORE 0
#define ADD 1
#define SWIGLU 2
#define LOGITS 3

#if WEIGHT_KIND == 1
typedef u8 Code;
#else
typedef T Code;
#endif

// What is read of an output's place before its sum is known.
struct Ending {
    float scale[2], bias[2], before;
    // Scale, bias and rounding of a sum.
    __device__ __forceinline__ float finish(int i, float y) const { return rounded<T>(y * scale[i] + bias[i]); }
};

struct Matrices {
    const Code* weight[4];
    const float* scale[4];
    const T* bias[4];
    int end[4];

    // The matrix of a row, and its number there.
    __device__ __forceinline__ int find(int& row) const {
        int matrix = row < end[0] ? 0 : row < end[1] ? 1 : row < end[2] ? 2 : 3;
        row -= matrix == 0 ? 0 : matrix == 1 ? end[0] : matrix == 2 ? end[1] : end[2];
        return matrix;
    }
    __device__ __forceinline__ const Code* weights(int matrix) const { return matrix == 0 ? weight[0] : matrix == 1 ? weight[1] : matrix == 2 ? weight[2] : weight[3]; }

    // What the end of column `unit` of a row of the output needs besides the sums.
    __device__ __forceinline__ Ending ending(const void* output, i64 start, int unit) const {
        int row = unit, matrix = EPILOGUE == SWIGLU ? 0 : find(row);
        Ending e;
#pragma unroll
        for (int i = 0; i < (EPILOGUE == SWIGLU ? 2 : 1); i++, matrix++) {
            const float* s = matrix == 0 ? scale[0] : matrix == 1 ? scale[1] : matrix == 2 ? scale[2] : scale[3];
            const T* b = matrix == 0 ? bias[0] : matrix == 1 ? bias[1] : matrix == 2 ? bias[2] : bias[3];
            e.scale[i] = WEIGHT_KIND == 1 ? s[row] : 1.0f;
            e.bias[i] = b == nullptr ? 0.0f : to_float(b[row]);
        }
        e.before = EPILOGUE == ADD ? fresh_value(static_cast<const T*>(output) + start + unit) : 0.0f;
        return e;
    }

    // Writes column `unit` of a row of the output: y of matrix row `unit`, for SwiGLU also the other matrix's.
    __device__ __forceinline__ void write(void* output, i64 start, int unit, const Ending& e, float y, float other) const {
        y = e.finish(0, y);
        if (EPILOGUE == LOGITS) {
            static_cast<float*>(output)[start + unit] = y;
            return;
        }
        y = EPILOGUE == SWIGLU ? y * sigmoid(y) * e.finish(1, other) : y + e.before;
        static_cast<T*>(output)[start + unit] = from_float<T>(y);
    }
    __device__ __forceinline__ void write(void* output, i64 start, int unit, float y, float other) const {
        write(output, start, unit, ending(output, start, unit), y, other);
    }
};

#define MATRICES_OF_ARGUMENTS {{w0, w1, w2, w3}, {scale0, scale1, scale2, scale3}, {bias0, bias1, bias2, bias3}, {end0, end1, end2, end3}}
