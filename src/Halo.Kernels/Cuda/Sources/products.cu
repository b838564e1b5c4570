// Products with a gate, element by element: SwiGLU y = g sigmoid(g) u, and y = o sigmoid(z). One thread does 16 bytes, or one value of the rest.
#include "halo.cuh"

typedef ELEMENT T;

constexpr int N = Pack<T>::N;

// The place of a thread: a whole vector (true), or one of the last values that fill none.
__device__ __forceinline__ bool place(i64 count, i64& at) {
    i64 thread = (i64)blockIdx.x * blockDim.x + threadIdx.x, vectors = count / N;
    at = thread < vectors ? thread * N : vectors * N + (thread - vectors);
    return thread < vectors;
}

struct SwiGlu {
    static __device__ __forceinline__ float value(float g, float u) { return g * sigmoid(g) * u; }
    static __device__ __forceinline__ void gradient(float& g, float& u, float dy) {
        float s = sigmoid(g), du = dy * g * s;
        g = dy * u * s * (1.0f + g * (1.0f - s));
        u = du;
    }
};

struct Gate {
    static __device__ __forceinline__ float value(float o, float z) { return o * sigmoid(z); }
    static __device__ __forceinline__ void gradient(float& o, float& z, float dy) {
        float s = sigmoid(z), dz = dy * o * s * (1.0f - s);
        o = dy * s;
        z = dz;
    }
};

template <typename Product> __device__ __forceinline__ void forward(const T* a, const T* b, T* y, i64 count) {
    i64 at;
    if (place(count, at)) {
        float x[N], other[N];
        Pack<T>::load(a + at, x);
        Pack<T>::load(b + at, other);
#pragma unroll
        for (int j = 0; j < N; j++) {
            x[j] = Product::value(x[j], other[j]);
        }
        Pack<T>::store(y + at, x);
    } else if (at < count) {
        y[at] = from_float<T>(Product::value(to_float(a[at]), to_float(b[at])));
    }
}

template <typename Product> __device__ __forceinline__ void backward(const T* a, const T* b, const T* dy, T* da, T* db, i64 count) {
    i64 at;
    if (place(count, at)) {
        float x[N], other[N], gradient[N];
        Pack<T>::load(a + at, x);
        Pack<T>::load(b + at, other);
        Pack<T>::load(dy + at, gradient);
#pragma unroll
        for (int j = 0; j < N; j++) {
            Product::gradient(x[j], other[j], gradient[j]);
        }
        Pack<T>::store(da + at, x);
        Pack<T>::store(db + at, other);
    } else if (at < count) {
        float x = to_float(a[at]), other = to_float(b[at]);
        Product::gradient(x, other, to_float(dy[at]));
        da[at] = from_float<T>(x);
        db[at] = from_float<T>(other);
    }
}

extern "C" __global__ void __launch_bounds__(256) swiglu(const T* g, const T* u, T* y, i64 count) { forward<SwiGlu>(g, u, y, count); }

extern "C" __global__ void __launch_bounds__(256) swiglu_backward(const T* g, const T* u, const T* dy, T* dg, T* du, i64 count) {
    backward<SwiGlu>(g, u, dy, dg, du, count);
}

extern "C" __global__ void __launch_bounds__(256) gate(const T* o, const T* z, T* y, i64 count) { forward<Gate>(o, z, y, count); }

extern "C" __global__ void __launch_bounds__(256) gate_backward(const T* o, const T* z, const T* dy, T* d_o, T* dz, i64 count) {
    backward<Gate>(o, z, dy, d_o, dz, count);
}
