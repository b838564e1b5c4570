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

    // Scale, bias and rounding of a sum.
    __device__ __forceinline__ float finish(int matrix, int row, float y) const {
        if (WEIGHT_KIND == 1) {
            y *= (matrix == 0 ? scale[0] : matrix == 1 ? scale[1] : matrix == 2 ? scale[2] : scale[3])[row];
        }
        const T* b = matrix == 0 ? bias[0] : matrix == 1 ? bias[1] : matrix == 2 ? bias[2] : bias[3];
        return rounded<T>(b == nullptr ? y : y + to_float(b[row]));
    }

    // Writes column `unit` of a row of the output: y of matrix row `unit`, for SwiGLU also the other matrix's.
    __device__ __forceinline__ void write(void* output, i64 start, int unit, float y, float other) const {
        int row = unit, matrix = EPILOGUE == SWIGLU ? 0 : find(row);
        y = finish(matrix, row, y);
        if (EPILOGUE == LOGITS) {
            static_cast<float*>(output)[start + unit] = y;
            return;
        }
        T* to = static_cast<T*>(output) + start + unit;
        if (EPILOGUE == SWIGLU) {
            y *= sigmoid(y) * finish(1, row, other);
        } else if (EPILOGUE == ADD) {
            y += to_float(*to);
        }
        *to = from_float<T>(y);
    }
};

#define MATRICES_OF_ARGUMENTS {{w0, w1, w2, w3}, {scale0, scale1, scale2, scale3}, {bias0, bias1, bias2, bias3}, {end0, end1, end2, end3}}
