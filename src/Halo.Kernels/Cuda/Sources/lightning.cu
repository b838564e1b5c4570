// Lightning attention, chunk form (arXiv 2401.04658, algorithm 1), on the tensor cores, parallel over the sequence:
//   S_t = e^{-m} S_{t-1} + k_t^T v_t,   o_t = scale * q_t S_t.
// One thread block works through one segment of one head of one row, chunk after chunk of C tokens, with the state in registers. A segment that does not
// start with the row first rebuilds the state from the tokens before it: after 16/m tokens the rest has decayed to e^-16, below float32 precision. So all
// segments run at once, and q, k, v and o pass through device memory once.
// Backward passes are the same sum over permuted arguments and, for two of them, over reversed time (REVERSED).
//
// Defined by the caller: D (head dimension, 64 or 128), DOCUMENTS (1: a token sees its own document only), PASSES.
// Tensors are (B, T, H, D) bfloat16, states (B, H, D, D) float32 with rows by key dimension.

#include "halo.cuh"

#define C 64
#define WARPS (D / 16)      // each warp has 16 value columns
#define THREADS (WARPS * 32)
#define PARTS (WARPS / 4)   // warps that share 16 rows of scores
#define KT (D / 8)          // key tiles of 8
#define ROW_CHUNKS (D / 8)  // 16-byte pieces of a row
#define OUT_STRIDE 48       // bytes of a staged row of 16 values

struct Pass
{
    const u16* q;
    const u16* k;
    const u16* v;
    u16* o;
    const float* initial;
    float* final;
    i64 reversed;
};

__device__ __forceinline__ u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void copy16(u32 to, const void* from, bool valid)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
}

__device__ __forceinline__ void copy4(u32 to, const void* from, bool valid)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(to), "l"(from), "r"(valid ? 4 : 0) : "memory");
}

__device__ __forceinline__ void load_matrices(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address));
}

__device__ __forceinline__ void load_transposed(u32 (&r)[4], u32 address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address));
}

__device__ __forceinline__ void multiply(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ u32 scale_pair(u32 x, float low, float high)
{
    return bf16_pair(bf16_low(x) * low, bf16_high(x) * high);
}

// Byte offset of 16-byte piece `piece` of row `row` in a tile whose rows have `pieces` pieces; swizzled so that 8 rows at one piece lie in different banks.
template <int pieces> __device__ __forceinline__ u32 at(int row, int piece) { return (u32)(row * pieces + (piece ^ (row & 7))) * 16u; }

struct Tiles
{
    u32 q, k, v, documents;
};

extern "C" __global__ void __launch_bounds__(THREADS, 2) lightning(
#if PASSES == 1
    const u16* q0, const u16* k0, const u16* v0, u16* o0, const float* initial0, float* final0, int reversed0,
#else
    const u16* q0, const u16* k0, const u16* v0, u16* o0, const float* initial0, float* final0, int reversed0,
    const u16* q1, const u16* k1, const u16* v1, u16* o1, const float* initial1, float* final1, int reversed1,
    const u16* q2, const u16* k2, const u16* v2, u16* o2, const float* initial2, float* final2, int reversed2,
#endif
    const int* documents, const float* slopes, const int4* jobs, int tokens, int heads, float scale)
{
    extern __shared__ __align__(128) unsigned char memory[];
    __shared__ float powers[C + 1];
    const int tile = C * D * 2;
    unsigned char* scores = memory + 6 * tile;
    unsigned char* output = scores + C * C * 2;
    int* ordinals = (int*)(output + WARPS * 16 * OUT_STRIDE);

#if PASSES == 1
    Pass pass = {q0, k0, v0, o0, initial0, final0, reversed0};
#else
    Pass pass = blockIdx.z == 0 ? Pass{q0, k0, v0, o0, initial0, final0, reversed0}
        : blockIdx.z == 1 ? Pass{q1, k1, v1, o1, initial1, final1, reversed1}
        : Pass{q2, k2, v2, o2, initial2, final2, reversed2};
#endif
    const bool reversed = pass.reversed != 0;
    const int4 job = jobs[blockIdx.x];  // head, first position read, first position written, end
    const int head = job.x, row = blockIdx.y;
    const int thread = threadIdx.x, warp = thread >> 5, lane = thread & 31, g = lane >> 2, c = lane & 3;
    const float rate = -slopes[head] * 1.4426950408889634f;
    if (thread <= C)
    {
        powers[thread] = exp2f(rate * thread);
    }

    const i64 token_stride = (i64)heads * D;
    const i64 base = (i64)row * tokens * token_stride + (i64)head * D;
    const int* row_documents = documents + (i64)row * tokens;

    auto tiles = [&](int stage)
    {
        u32 first = shared_address(memory) + stage * 3 * tile;
        return Tiles{first, first + tile, first + 2 * tile, shared_address(ordinals + stage * C)};
    };
    auto token = [&](int position) { return reversed ? tokens - 1 - position : position; };
    auto prefetch = [&](int position, int stage)
    {
        Tiles to = tiles(stage);
        bool written = position >= job.z;
        const int piece = thread % ROW_CHUNKS;
#pragma unroll
        for (int i = 0; i < C * ROW_CHUNKS / THREADS; i++)
        {
            int r = thread / ROW_CHUNKS + i * (THREADS / ROW_CHUNKS);
            bool valid = position + r < tokens;
            i64 from = base + (valid ? (i64)token(position + r) * token_stride : 0) + piece * 8;
            u32 offset = at<ROW_CHUNKS>(r, piece);
            copy16(to.k + offset, pass.k + from, valid);
            copy16(to.v + offset, pass.v + from, valid);
            if (written)
            {
                copy16(to.q + offset, pass.q + from, valid);
            }
        }
#if DOCUMENTS
        if (thread < C)
        {
            bool valid = position + thread < tokens;
            copy4(to.documents + thread * 4, row_documents + (valid ? token(position + thread) : 0), valid);
        }
#endif
        asm volatile("cp.async.commit_group;" ::: "memory");
    };

    // state[n][e]: value 16 warp + g (+ 8 for e >= 2), key 8 n + 2 c + (e & 1): the transposed state, whose registers are at the same time
    // the second operand of q S.
    float state[KT][4];
    const i64 state_base = ((i64)row * heads + head) * D * D + 16 * warp + g;
    bool carried = job.y == 0 && pass.initial != nullptr;
#pragma unroll
    for (int n = 0; n < KT; n++)
    {
#pragma unroll
        for (int e = 0; e < 4; e++)
        {
            state[n][e] = carried ? pass.initial[state_base + (8 * n + 2 * c + (e & 1)) * D + (e >> 1) * 8] : 0.0f;
        }
    }

#if DOCUMENTS
    int before = job.y == 0 && !reversed ? 0 : row_documents[token(job.y)];
#endif
    prefetch(job.y, 0);
    int stage = 0;
    for (int position = job.y; position < job.w; position += C, stage ^= 1)
    {
        asm volatile("cp.async.wait_all;" ::: "memory");
        __syncthreads();
        if (position + C < job.w)
        {
            prefetch(position + C, stage ^ 1);
        }

        const Tiles now = tiles(stage);
        const int count = min(C, tokens - position);
#if DOCUMENTS
        const int* document = ordinals + stage * C;
        const int last_document = document[count - 1];
#endif
        if (position >= job.z)
        {
            // Scores with the tokens up to the row's own, decayed, as bfloat16 in shared memory: a warp takes 16 rows, or its share of their columns.
            {
                const int rows = warp / PARTS, tiles_8 = 2 * (rows + 1) / PARTS, first_8 = (warp % PARTS) * tiles_8;
                float s[8 / PARTS][4] = {};
#pragma unroll
                for (int ks = 0; ks < D / 32; ks++)
                {
                    u32 a0[4], a1[4];
                    load_matrices(a0, now.q + at<ROW_CHUNKS>(16 * rows + (lane & 15), 4 * ks + (lane >> 4)));
                    load_matrices(a1, now.q + at<ROW_CHUNKS>(16 * rows + (lane & 15), 4 * ks + 2 + (lane >> 4)));
#pragma unroll
                    for (int j = 0; j < 8 / PARTS; j++)
                    {
                        if (j < tiles_8)
                        {
                            u32 b[4];
                            load_matrices(b, now.k + at<ROW_CHUNKS>(8 * (first_8 + j) + (lane & 7), 4 * ks + (lane >> 3)));
                            multiply(s[j], a0, b[0], b[1]);
                            multiply(s[j], a1, b[2], b[3]);
                        }
                    }
                }

#pragma unroll
                for (int j = 0; j < 8 / PARTS; j++)
                {
                    if (j < tiles_8)
                    {
#pragma unroll
                        for (int half = 0; half < 2; half++)
                        {
                            const int i = 16 * rows + g + 8 * half, first = 8 * (first_8 + j) + 2 * c;
                            float low = first <= i ? s[j][2 * half] * scale * powers[max(i - first, 0)] : 0.0f;
                            float high = first + 1 <= i ? s[j][2 * half + 1] * scale * powers[max(i - first - 1, 0)] : 0.0f;
#if DOCUMENTS
                            low = document[first] == document[i] ? low : 0.0f;
                            high = document[first + 1] == document[i] ? high : 0.0f;
#endif
                            *(u32*)(scores + at<C / 8>(i, first_8 + j) + 4 * c) = bf16_pair(low, high);
                        }
                    }
                }
            }

            __syncthreads();
            const u32 p = shared_address(scores);
#pragma unroll
            for (int pair = 0; pair < C / 32; pair++)
            {
                float o[2][2][4] = {};
                if (carried)
                {
#pragma unroll
                    for (int ks = 0; ks < D / 16; ks++)
                    {
                        u32 a0[4], a1[4];
                        load_matrices(a0, now.q + at<ROW_CHUNKS>(32 * pair + (lane & 15), 2 * ks + (lane >> 4)));
                        load_matrices(a1, now.q + at<ROW_CHUNKS>(32 * pair + 16 + (lane & 15), 2 * ks + (lane >> 4)));
                        const u32 b0 = bf16_pair(state[2 * ks][0], state[2 * ks][1]), b1 = bf16_pair(state[2 * ks + 1][0], state[2 * ks + 1][1]);
                        const u32 b2 = bf16_pair(state[2 * ks][2], state[2 * ks][3]), b3 = bf16_pair(state[2 * ks + 1][2], state[2 * ks + 1][3]);
                        multiply(o[0][0], a0, b0, b1);
                        multiply(o[0][1], a0, b2, b3);
                        multiply(o[1][0], a1, b0, b1);
                        multiply(o[1][1], a1, b2, b3);
                    }

#pragma unroll
                    for (int x = 0; x < 4; x++)
                    {
                        const int i = 32 * pair + 8 * x + g;
                        float factor = scale * powers[i + 1];
#if DOCUMENTS
                        factor = document[i] == before ? factor : 0.0f;
#endif
#pragma unroll
                        for (int n = 0; n < 2; n++)
                        {
                            o[x >> 1][n][2 * (x & 1)] *= factor;
                            o[x >> 1][n][2 * (x & 1) + 1] *= factor;
                        }
                    }
                }

#pragma unroll
                for (int ks = 0; ks < 2 * pair + 2; ks++)
                {
                    u32 a[4], b[4];
                    load_transposed(b, now.v + at<ROW_CHUNKS>(16 * ks + (lane & 7) + ((lane >> 4) << 3), 2 * warp + ((lane >> 3) & 1)));
                    if (ks <= 2 * pair)
                    {
                        load_matrices(a, p + at<C / 8>(32 * pair + (lane & 15), 2 * ks + (lane >> 4)));
                        multiply(o[0][0], a, b[0], b[2]);
                        multiply(o[0][1], a, b[1], b[3]);
                    }

                    load_matrices(a, p + at<C / 8>(32 * pair + 16 + (lane & 15), 2 * ks + (lane >> 4)));
                    multiply(o[1][0], a, b[0], b[2]);
                    multiply(o[1][1], a, b[1], b[3]);
                }

                // Through shared memory of the warp's own, so that device memory is written in pieces of 16 bytes.
                unsigned char* own = output + warp * 16 * OUT_STRIDE;
#pragma unroll
                for (int m = 0; m < 2; m++)
                {
                    __syncwarp();
#pragma unroll
                    for (int n = 0; n < 2; n++)
                    {
                        *(u32*)(own + g * OUT_STRIDE + n * 16 + c * 4) = bf16_pair(o[m][n][0], o[m][n][1]);
                        *(u32*)(own + (g + 8) * OUT_STRIDE + n * 16 + c * 4) = bf16_pair(o[m][n][2], o[m][n][3]);
                    }

                    __syncwarp();
                    const int t = position + 32 * pair + 16 * m + (lane >> 1);
                    if (t < tokens)
                    {
                        const uint4 value = *(const uint4*)(own + (lane >> 1) * OUT_STRIDE + (lane & 1) * 16);
                        *(uint4*)(pass.o + base + (i64)token(t) * token_stride + 16 * warp + (lane & 1) * 8) = value;
                    }
                }
            }
        }

        // S = e^{-m n} S + sum_j e^{-m (n-1-j)} k_j^T v_j over the chunk's n tokens.
        if (position + C < job.w || (job.w == tokens && pass.final != nullptr))
        {
            float keep = powers[count];
#if DOCUMENTS
            keep = last_document == before ? keep : 0.0f;
#endif
#pragma unroll
            for (int n = 0; n < KT; n++)
            {
#pragma unroll
                for (int e = 0; e < 4; e++)
                {
                    state[n][e] *= keep;
                }
            }

#pragma unroll
            for (int ks = 0; ks < C / 16; ks++)
            {
                float factor[4];
#pragma unroll
                for (int x = 0; x < 4; x++)
                {
                    const int j = 16 * ks + 2 * c + (x & 1) + 8 * (x >> 1);
                    factor[x] = powers[max(count - 1 - j, 0)];
#if DOCUMENTS
                    factor[x] = document[j] == last_document ? factor[x] : 0.0f;
#endif
                }

                u32 a[4];
                load_transposed(a, now.v + at<ROW_CHUNKS>(16 * ks + (lane & 7) + ((lane >> 4) << 3), 2 * warp + ((lane >> 3) & 1)));
                a[0] = scale_pair(a[0], factor[0], factor[1]);
                a[1] = scale_pair(a[1], factor[0], factor[1]);
                a[2] = scale_pair(a[2], factor[2], factor[3]);
                a[3] = scale_pair(a[3], factor[2], factor[3]);
#pragma unroll
                for (int n = 0; n < KT / 2; n++)
                {
                    u32 b[4];
                    load_transposed(b, now.k + at<ROW_CHUNKS>(16 * ks + (lane & 7) + ((lane >> 4) << 3), 2 * n + ((lane >> 3) & 1)));
                    multiply(state[2 * n], a, b[0], b[2]);
                    multiply(state[2 * n + 1], a, b[1], b[3]);
                }
            }

            carried = true;
        }

#if DOCUMENTS
        before = last_document;
#endif
    }

    if (pass.final != nullptr && job.w == tokens)
    {
#pragma unroll
        for (int n = 0; n < KT; n++)
        {
#pragma unroll
            for (int e = 0; e < 4; e++)
            {
                pass.final[state_base + (8 * n + 2 * c + (e & 1)) * D + (e >> 1) * 8] = state[n][e];
            }
        }
    }
}
