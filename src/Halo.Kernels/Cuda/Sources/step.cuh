// What the parts of decode_step.cu share: how a step is divided, how the host lays layers out, and the words in which blocks leave results for one another.
#pragma once
#include "bulk_copy.cuh"
#include "decode_matrices.cuh"

#if CACHE_KIND == 1
typedef u8 Kept;
#else
typedef T Kept;
#endif

constexpr int WARPS = 8; // that compute
constexpr int THREADS = 32 * WARPS;
constexpr int TEAMS = STAGES % (WARPS / TEAM) == 0 ? WARPS / TEAM : WARPS / TEAM - 1; // a slot of the ring is always the same team's
constexpr int N = Unpack<Code>::N;         // weights in 16 bytes
constexpr int STEP = 4 * N;                // columns for four lanes at once
constexpr bool DIGITS = WEIGHT_KIND == 1;
constexpr int COLUMNS = DIGITS ? 3 : 1;    // of the products' left side that are real
constexpr int CUTS = WEIGHT_KIND == 1 ? 2 : 4; // of a stage, each with a barrier of its own
constexpr int SLOT_BYTES = 8 * PIECE * (int)sizeof(Code);
constexpr int WIDEST = WIDTH > INNER ? (WIDTH > MIXED ? WIDTH : MIXED) : (INNER > MIXED ? INNER : MIXED);
constexpr int EACH = (WIDEST / 8 + THREADS - 1) / THREADS; // vectors of eight inputs of a thread, at most
constexpr int MOST_PIECES = (WIDEST + PIECE - 1) / PIECE;
constexpr int GROUP = HEADS / KEY_HEADS;
constexpr int D = 128;
constexpr int PHASES = 5;                  // of a layer: the mixer's inputs, the mixer, its output, gate and up, down

template <bool Integers> struct SumOf { typedef float Type; };
template <> struct SumOf<true> { typedef int Type; };
typedef SumOf<DIGITS>::Type Sum;

static_assert(STAGES % TEAMS == 0 && PIECE % (2 * STEP) == 0 && WIDTH % 256 == 0 && MIXED % 256 == 0 && INNER % 256 == 0, "the widths do not fit");

// As the host lays it out (StepPlan). The head is one more, with its weights in the first place.
struct Layer {
    const Code* weight[8]; // of queries, keys, values, gates; output; gate, up; down
    const float* scale[8];
    const T* bias[8];
    const T *input_norm, *query_norm, *key_norm, *output_norm, *post_norm;
    const float* frequencies;
    const i64* table;
    int end[4];            // of queries, keys, values, gates below one another
    int shift[4];          // of a product: the block that gets its first tile
    int is_attention, key_offset, value_offset, gate_offset; // the last is -1 for none
    float rotary_factor;
    int spare;
};

// A block's tiles of a product: every gridDim.x-th from the first.
struct Part {
    int first, count;
};

// Products by number: 0 to 3 in a layer, 4 the head.
__device__ __forceinline__ int tiles_of(const Layer& layer, int product) { return product == 2 ? INNER / 4 : product % 2 == 1 ? WIDTH / 8 : layer.end[3] / 8; }
__device__ __forceinline__ int inputs_of(int product) { return product == 1 ? MIXED : product == 3 ? INNER : WIDTH; }
constexpr int pieces_of(int inputs) { return (inputs + PIECE - 1) / PIECE; }
constexpr int piece_of(int inputs) { return (inputs / pieces_of(inputs) + 2 * STEP - 1) / (2 * STEP) * (2 * STEP); }
__device__ __forceinline__ int pieces_of_product(int product) { return product == 1 ? pieces_of(MIXED) : product == 3 ? pieces_of(INNER) : pieces_of(WIDTH); }
__device__ __forceinline__ int piece_of_product(int product) { return product == 1 ? piece_of(MIXED) : product == 3 ? piece_of(INNER) : piece_of(WIDTH); }

// The matrix of a product's row, and the row's number there.
__device__ __forceinline__ int find(const Layer& layer, int& row, int product) {
    if (product != 0) {
        return product == 4 ? 0 : product == 1 ? 4 : product == 2 ? 5 : 7;
    }
    int found = row < layer.end[0] ? 0 : row < layer.end[1] ? 1 : row < layer.end[2] ? 2 : 3;
    row -= found == 0 ? 0 : layer.end[found - 1];
    return found;
}

struct Shared {
    u64 full[STAGES * CUTS], empty[STAGES];
    Sum partial[STAGES][MOST_PIECES * TEAM][COLUMNS][8]; // of a tile
    int arrived[STAGES];
    float squares[WIDEST / 256];
    u32 most[WIDEST / 256];
};

// What goes between blocks, values in pairs.
struct Words {
    uint2 *projected, *mixed, *hidden, *inner;
};

__device__ __forceinline__ void sync() { asm volatile("bar.sync 1, %0;" :: "n"(THREADS) : "memory"); }

// Two words: a pair, its tag, the next pair, its tag.
__device__ __forceinline__ uint4 look(const uint2* at) {
    uint4 raw;
    asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(raw.x), "=r"(raw.y), "=r"(raw.z), "=r"(raw.w) : "l"(at) : "memory");
    return raw;
}
__device__ __forceinline__ uint2 look_one(const uint2* at) {
    uint2 raw;
    asm volatile("ld.relaxed.gpu.global.v2.u32 {%0, %1}, [%2];" : "=r"(raw.x), "=r"(raw.y) : "l"(at) : "memory");
    return raw;
}
__device__ __forceinline__ u32 await_pair(const uint2* at, u32 tag) {
    uint2 raw;
    do {
        raw = look_one(at);
    } while (raw.y != tag);
    return raw.x;
}
__device__ __forceinline__ uint2 await_four(const uint2* at, u32 tag) {
    uint4 raw;
    do {
        raw = look(at);
    } while (raw.y != tag || raw.w != tag);
    return make_uint2(raw.x, raw.z);
}
__device__ __forceinline__ uint4 await_eight(const uint2* at, u32 tag) {
    uint4 low, high;
    do {
        low = look(at), high = look(at + 2);
    } while (low.y != tag || low.w != tag || high.y != tag || high.w != tag);
    return make_uint4(low.x, low.z, high.x, high.z);
}
__device__ __forceinline__ void leave(uint2* at, u32 pair, u32 tag) {
    asm volatile("st.relaxed.gpu.global.v2.u32 [%0], {%1, %2};" :: "l"(at), "r"(pair), "r"(tag) : "memory");
}
