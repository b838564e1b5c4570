// The layers of a decoding step of one sequence, and the head, as one kernel with a block on each multiprocessor. In a block one thread streams the block's weights,
// product after product, in bulk copies into a ring in shared memory, and never waits for what is computed: memory does not rest between products. Eight warps compute:
// they make a product's inputs, multiply what has come, and do the mixers.
// Between blocks results go through memory, that is the second-level cache, without fences: a word of 8 bytes holds two values and the tag of a step and a phase of it,
// so that a reader sees by the word itself whether it is there. Nobody overwrites what is still to be read: who writes has read results of all blocks that have read it.
// A tile is eight rows of W, for SwiGLU four of either matrix; a stage of the ring has up to PIECE columns of one, which the TEAM warps of a team divide. A lane's
// 16 bytes of a row are its part of two products on tensor cores, whose left side are the inputs, in the same order. Codes of 8 bits (WEIGHT_KIND 1) are multiplied as
// integers: an input is three signed digits of 8 bits, 23 bits below the greatest, so that sums are exact. What a norm divides by is applied to the sums.
// All inputs are bfloat16, heads have 128 values. Grid (blocks), 288 threads; all blocks must be there at once.
#include "bulk_copy.cuh"
#include "decode_matrices.cuh"
#include "tensor_cores.cuh"

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

// Where keys and values of a layer lie: head h begins at h * capacity * D.
struct Place {
    i64 keys, values, capacity, key_scales, value_scales, spare;
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

// ---- The thread that asks for weights.
struct Stream {
    u8* ring;
    Shared* shared;
    u64 policy;
    int slot, round, behind, round_behind, ahead; // `ahead` cuts are on their way, the oldest of them is `behind`

    __device__ __forceinline__ void ask(const Layer& layer, Part mine, int product) {
        int pieces = pieces_of_product(product), each = piece_of_product(product), inputs = inputs_of(product);
        bool paired = product == 2;
        for (int i = 0; i < mine.count; i++) {
            int tile = mine.first + i * (int)gridDim.x, row = paired ? tile * 4 : tile * 8, matrix = find(layer, row, product);
            const Code* one = layer.weight[matrix] + (i64)row * inputs;
            const Code* two = paired ? layer.weight[6] + (i64)row * inputs : one + (i64)4 * inputs;
            for (int piece = 0; piece < pieces; piece++) {
                int columns = min(each, inputs - piece * each), bytes = columns * (int)sizeof(Code);
                u8* to = ring + slot * SLOT_BYTES;
                barrier_wait(shared->empty + slot, round ^ 1);
#pragma unroll
                for (int cut = 0; cut < CUTS; cut++) {
                    // Few bytes on their way at a time: behind many, whatever else is asked of memory would have to wait.
                    if (ahead == FLIGHT) {
                        barrier_wait(shared->full + behind, round_behind);
                        behind++;
                        if (behind == STAGES * CUTS) {
                            behind = 0, round_behind ^= 1;
                        }
                    } else {
                        ahead++;
                    }
                    constexpr int ROWS = 8 / CUTS;
                    u64* full = shared->full + slot * CUTS + cut;
                    const Code* from = (cut < CUTS / 2 ? one : two) + (i64)(cut % (CUTS / 2) * ROWS) * inputs + piece * each;
                    barrier_expect(full, ROWS * bytes);
                    if (pieces == 1) {
                        bulk_copy(to, from, ROWS * bytes, full, policy);
                    } else {
#pragma unroll
                        for (int r = 0; r < ROWS; r++) {
                            bulk_copy(to + r * bytes, from + (i64)r * inputs, bytes, full, policy);
                        }
                    }
                    to += ROWS * bytes;
                }
                slot++;
                if (slot == STAGES) {
                    slot = 0, round ^= 1;
                }
            }
        }
    }
};

// ---- Products.
// Where a team is in the ring: which of its slots comes next, in which round, and which team gets a product's first stage.
struct Ring {
    int turn, round, shift;
};

// Where a product's inputs are: words of a tag, or for the first of all plain values.
struct Inputs {
    const uint2* words;
    const T* plain;
    u32 tag;
    const uint2* gate; // of the phase before
    const T* norm;
};

// Puts a product's inputs into shared memory; what its sums are to be multiplied by.
__device__ __forceinline__ float prepare(const Inputs& from, int count, u8* inputs, Shared& shared, float epsilon) {
    int lane = threadIdx.x % 32, vectors = count / 8, segments = vectors / 32;
    uint4 norm[EACH], gates[EACH];
    float x[EACH][8];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int v = threadIdx.x + i * THREADS;
        if (v < vectors) {
            if (from.norm != nullptr) {
                norm[i] = *reinterpret_cast<const uint4*>(from.norm + v * 8);
            }
            if (from.gate != nullptr) {
                uint2 low = await_four(from.gate + v * 4, from.tag - 1), high = await_four(from.gate + v * 4 + 2, from.tag - 1);
                gates[i] = make_uint4(low.x, low.y, high.x, high.y);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int v = threadIdx.x + i * THREADS;
        if (v < vectors) {
            Unpack<bf16>::floats(from.words == nullptr ? fresh_load(from.plain + v * 8) : await_eight(from.words + v * 4, from.tag), x[i]);
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int v = threadIdx.x + i * THREADS;
        if (v < vectors) {
            if (from.norm != nullptr) {
                float total = 0.0f, w[8];
                Unpack<bf16>::floats(norm[i], w);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    total = fmaf(x[i][k], x[i][k], total);
                    x[i][k] *= w[k];
                }
                total = warp_sum(total);
                if (lane == 0) {
                    shared.squares[v / 32] = total;
                }
            }
            if (from.gate != nullptr) {
                float z[8];
                Unpack<bf16>::floats(gates[i], z);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    x[i][k] *= __fdividef(1.0f, 1.0f + __expf(-z[k]));
                }
            }
            if (DIGITS) {
                u32 highest = 0;
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    highest = max(highest, __float_as_uint(fabsf(x[i][k])));
                }
                highest = __reduce_max_sync(FULL_WARP, highest);
                if (lane == 0) {
                    shared.most[v / 32] = highest;
                }
            } else {
                *reinterpret_cast<uint4*>(inputs + v * 16) =
                    make_uint4(bf16_pair(x[i][0], x[i][1]), bf16_pair(x[i][2], x[i][3]), bf16_pair(x[i][4], x[i][5]), bf16_pair(x[i][6], x[i][7]));
            }
        }
    }
    sync();
    float scale = 1.0f;
    if (DIGITS) {
        u32 bits = 0;
        for (int s = lane; s < segments; s += 32) {
            bits = max(bits, shared.most[s]);
        }
        bits = __reduce_max_sync(FULL_WARP, bits);
        // What is no number stays none: its bits are above those of infinity.
        scale = __fdividef(8355000.0f, fmaxf(__uint_as_float(bits), 1e-30f)) * (bits > 0x7f800000u ? __uint_as_float(bits) : 1.0f);
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int v = threadIdx.x + i * THREADS;
            if (v < vectors) {
                // The bytes of q with a bias, which is taken from each of them again, are signed digits.
                u32 q[8];
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    q[k] = ((u32)__float2int_rn(x[i][k] * scale) + 0x808080u) ^ 0x808080u;
                }
#pragma unroll
                for (int d = 0; d < 3; d++) {
                    u32 pick = (2 - d) | (6 - d) << 4;
                    *reinterpret_cast<uint2*>(inputs + (v / 8 * 3 + d) * 64 + v % 8 * 8) =
                        make_uint2(__byte_perm(__byte_perm(q[0], q[1], pick), __byte_perm(q[2], q[3], pick), 0x5410),
                                   __byte_perm(__byte_perm(q[4], q[5], pick), __byte_perm(q[6], q[7], pick), 0x5410));
                }
            }
        }
        sync();
    }
    float total = 0.0f;
    for (int s = lane; from.norm != nullptr && s < segments; s += 32) {
        total += shared.squares[s];
    }
    float factor = from.norm != nullptr ? rsqrtf(__fdividef(warp_sum(total), (float)count) + epsilon) : 1.0f;
    return DIGITS ? __fdividef(factor, scale) : factor;
}

// A block's tiles of a product. `start`: the residual before the first layer, else nullptr.
__device__ __forceinline__ void multiply_tiles(const Layer& layer, Part mine, int product, const u8* slots, const u8* inputs, Shared& shared, Ring& ring, const Words& words, const T* start, float* logits, float factor, u32 tag) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, member = lane % 4, team = warp / TEAM, share = warp % TEAM, count = inputs_of(product);
    int pieces = pieces_of_product(product), each = piece_of_product(product), stages = mine.count * pieces;
    bool adds = product == 1 || product == 3, paired = product == 2;
#pragma unroll 1
    for (int s = team < TEAMS ? (team - ring.shift + TEAMS) % TEAMS : stages; s < stages; s += TEAMS) {
        int slot = ring.turn * TEAMS + team, round = ring.round, i = s, piece = 0;
        ring.turn++;
        if (ring.turn == STAGES / TEAMS) {
            ring.turn = 0, ring.round ^= 1;
        }
        if (pieces > 1) {
            i = s / pieces, piece = s - i * pieces;
        }
        int tile = mine.first + i * (int)gridDim.x, columns = min(each, count - piece * each), pairs = columns / (2 * STEP);
        // What two rows need besides their sums: lanes of a group have them, every group the same.
        int row = paired ? tile * 4 + member % 2 * 2 : tile * 8 + member * 2, of_matrix = row, matrix = paired ? 5 + member / 2 : find(layer, of_matrix, product);
        float2 scale = make_float2(1.0f, 1.0f);
        u32 bias = layer.bias[matrix] == nullptr ? 0 : *reinterpret_cast<const u32*>(layer.bias[matrix] + of_matrix), before = 0;
        if (WEIGHT_KIND == 1) {
            scale = *reinterpret_cast<const float2*>(layer.scale[matrix] + of_matrix);
        }
        if (adds) {
            // The residual as the product before the last one that adds to it has left it, which all blocks have read since.
            before = start != nullptr && product == 1 ? *reinterpret_cast<const u32*>(start + row) : look_one(words.hidden + row / 2).x;
        }

        // Lanes of columns that are not there read another's: what comes of it, nobody reads.
        const u8* at = slots + slot * SLOT_BYTES + group * columns * (int)sizeof(Code) + member * 16 + share * 128;
        const u8* from = inputs + (piece * (each / STEP) * COLUMNS + min(group, COLUMNS - 1)) * 64 + member * 16 + share * 2 * COLUMNS * 64;
        Sum sums[8][4] = {};
        if (lane < CUTS) {
            barrier_wait(shared.full + slot * CUTS + lane, round);
        }
        __syncwarp();
        auto two_steps = [&](int j, int set) {
            uint4 low = *reinterpret_cast<const uint4*>(at + j * TEAM * 128), high = *reinterpret_cast<const uint4*>(at + j * TEAM * 128 + 64);
            uint4 a = *reinterpret_cast<const uint4*>(from + 2 * j * TEAM * COLUMNS * 64), c = *reinterpret_cast<const uint4*>(from + (2 * j * TEAM + 1) * COLUMNS * 64);
            multiply(sums[set], a.x, a.x, a.y, a.y, low.x, low.y);
            multiply(sums[set + 1], a.z, a.z, a.w, a.w, low.z, low.w);
            multiply(sums[set + 2], c.x, c.x, c.y, c.y, high.x, high.y);
            multiply(sums[set + 3], c.z, c.z, c.w, c.w, high.z, high.w);
        };
        int pair = share;
#pragma unroll 1
        for (; pair + 3 * TEAM < pairs; pair += 4 * TEAM) {
            two_steps(0, 0), two_steps(1, 4), two_steps(2, 0), two_steps(3, 4);
            at += 4 * TEAM * 128, from += 8 * TEAM * COLUMNS * 64;
        }
#pragma unroll 1
        for (; pair < pairs; pair += TEAM) {
            two_steps(0, 0);
            at += TEAM * 128, from += 2 * TEAM * COLUMNS * 64;
        }

        // A lane has two rows of its column. The last warp to come adds all, in the same order always; its slot, and with it the place of the sums, is free afterwards.
        int place = i % STAGES, earlier = 0;
        if (group < COLUMNS) {
            Sum* to = &shared.partial[place][piece * TEAM + share][group][member * 2];
#pragma unroll
            for (int k = 0; k < 2; k++) {
                to[k] = ((sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k])) + ((sums[4][k] + sums[5][k]) + (sums[6][k] + sums[7][k]));
            }
        }
        __threadfence_block();
        __syncwarp();
        if (lane == 0) {
            earlier = atomicAdd(&shared.arrived[place], 1);
        }
        if (__shfl_sync(FULL_WARP, earlier, 0) < pieces * TEAM - 1) {
            if (lane == 0) {
                barrier_arrive(shared.empty + slot);
            }
            continue;
        }
        __threadfence_block();
        Sum digits[COLUMNS][2] = {};
#pragma unroll 4
        for (int other = 0; other < pieces * TEAM; other++) {
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                const Sum* theirs = &shared.partial[place][other][c][member * 2];
                digits[c][0] += theirs[0], digits[c][1] += theirs[1];
            }
        }
        __syncwarp();
        if (lane == 0) {
            shared.arrived[place] = 0;
            barrier_arrive(shared.empty + slot);
        }
        float y[2];
#pragma unroll
        for (int k = 0; k < 2; k++) {
            y[k] = DIGITS ? fmaf((float)digits[0][k], 65536.0f, fmaf((float)digits[COLUMNS / 2][k], 256.0f, (float)digits[COLUMNS - 1][k])) : (float)digits[0][k];
            y[k] = rounded<T>(y[k] * factor * (k == 0 ? scale.x : scale.y) + (k == 0 ? bf16_low(bias) : bf16_high(bias)));
        }
        if (product == 4) {
            if (lane < 4) {
                *reinterpret_cast<float2*>(logits + row) = make_float2(y[0], y[1]);
            }
            continue;
        }
        if (paired) {
#pragma unroll
            for (int k = 0; k < 2; k++) {
                y[k] = y[k] * __fdividef(1.0f, 1.0f + __expf(-y[k])) * __shfl_xor_sync(FULL_WARP, y[k], 2);
            }
        }
        if (lane < (paired ? 2 : 4)) {
            leave((product == 0 ? words.projected : paired ? words.inner : words.hidden) + row / 2, bf16_pair(y[0] + bf16_low(before), y[1] + bf16_high(before)), tag);
        }
    }
    ring.shift = (ring.shift + stages) % TEAMS;
    sync(); // the inputs' place is free
}

// ---- Mixers.
// Pairs of a head by a warp: lane l has the values 2 l, 2 l + 1, 64 + 2 l, 65 + 2 l. Norm and rotation in float32, rounded to T at the end.
__device__ __forceinline__ void prepare_pairs(const uint2* from, u32 tag, const T* weight, float epsilon, const float* angles, float (&x)[4]) {
    int lane = threadIdx.x % 32;
    u32 low_weight = 0, high_weight = 0;
    if (weight != nullptr) {
        low_weight = reinterpret_cast<const u32*>(weight)[lane], high_weight = reinterpret_cast<const u32*>(weight)[32 + lane];
    }
    u32 low = await_pair(from + lane, tag), high = await_pair(from + 32 + lane, tag);
    x[0] = bf16_low(low), x[1] = bf16_high(low), x[2] = bf16_low(high), x[3] = bf16_high(high);
    if (weight != nullptr) {
        float scale = rsqrtf(warp_sum(x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + x[3] * x[3]) * (1.0f / D) + epsilon);
        x[0] *= scale * bf16_low(low_weight), x[1] *= scale * bf16_high(low_weight), x[2] *= scale * bf16_low(high_weight), x[3] *= scale * bf16_high(high_weight);
    }
    if (angles != nullptr) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float c = angles[2 * lane + i], s = angles[D / 2 + 2 * lane + i], a = x[i], b = x[i + 2];
            x[i] = a * c - b * s;
            x[i + 2] = b * c + a * s;
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        x[i] = rounded<T>(x[i]);
    }
}
__device__ __forceinline__ int place_of(int i) { return 2 * (threadIdx.x % 32) + (i & 1) + (i / 2) * (D / 2); }

// Lightning attention (decode_lightning.cu): a block does 16 columns of a head's state.
struct LightningShared {
    float angles[D], query[D], key[D], partial[WARPS][16];
};

__device__ __forceinline__ void lightning(const Layer& layer, LightningShared& s, const Words& words, u32 tag, int position, const float* slopes, float epsilon, float scale) {
    constexpr int COLS = 16, TASKS = D / COLS, ROWS = THREADS / 4, PASSES = D / ROWS;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = threadIdx.x / 4;
    for (int task = blockIdx.x; task < TASKS * LINEAR_HEADS; task += gridDim.x) {
        int column = task % TASKS * COLS + threadIdx.x % 4 * 4, head = task / TASKS, key_head = head * LINEAR_KEY_HEADS / LINEAR_HEADS;
        float* state = reinterpret_cast<float*>(layer.table[0]) + (i64)head * D * D + column;
        float4 value[PASSES];
#pragma unroll
        for (int i = 0; i < PASSES; i++) {
            value[i] = *reinterpret_cast<const float4*>(state + (first + ROWS * i) * D);
        }
        float decay = expf(-slopes[head]);
        if (layer.frequencies != nullptr && threadIdx.x < D / 2) {
            rotation(position, layer.frequencies[threadIdx.x], layer.rotary_factor, s.angles[threadIdx.x], s.angles[D / 2 + threadIdx.x]);
        }
        sync();
        if (warp < 2) {
            float x[4];
            prepare_pairs(words.projected + (warp == 0 ? head * D : layer.key_offset + key_head * D) / 2, tag - 1, warp == 0 ? layer.query_norm : layer.key_norm, epsilon, layer.frequencies == nullptr ? nullptr : s.angles, x);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                (warp == 0 ? s.query : s.key)[place_of(i)] = warp == 0 ? x[i] * scale : x[i];
            }
        }
        uint2 raw = await_four(words.projected + (layer.value_offset + key_head * D + column) / 2, tag - 1);
        float v[4] = {bf16_low(raw.x), bf16_high(raw.x), bf16_low(raw.y), bf16_high(raw.y)}, o[4] = {};
        sync();
#pragma unroll
        for (int i = 0; i < PASSES; i++) {
            float k = s.key[first + ROWS * i], q = s.query[first + ROWS * i];
            value[i] = make_float4(value[i].x * decay + k * v[0], value[i].y * decay + k * v[1], value[i].z * decay + k * v[2], value[i].w * decay + k * v[3]);
            *reinterpret_cast<float4*>(state + (first + ROWS * i) * D) = value[i];
            o[0] += q * value[i].x, o[1] += q * value[i].y, o[2] += q * value[i].z, o[3] += q * value[i].w;
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
            for (int step = 4; step < 32; step *= 2) {
                o[j] += __shfl_xor_sync(FULL_WARP, o[j], step);
            }
            if (lane < 4) {
                s.partial[warp][lane * 4 + j] = o[j];
            }
        }
        sync();
        if (threadIdx.x < COLS) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < WARPS; i++) {
                sum += s.partial[i][threadIdx.x];
            }
            u32 pair = bf16_pair(sum, __shfl_xor_sync(0xffffu, sum, 1));
            if (threadIdx.x % 2 == 0) {
                leave(words.mixed + (head * D + task % TASKS * COLS + threadIdx.x) / 2, pair, tag);
            }
        }
    }
}

// Softmax attention (decode_attention.cu). The tokens of a head are divided among `splits` blocks, the last of which joins them.
constexpr int ROOM = D + 2; // sum weighted by probability, maximum, sum of probabilities
constexpr float NOTHING = -1e30f;
struct AttentionShared {
    float angles[D], query[GROUP][D], new_key[D], new_value[D], parts[WARPS][GROUP][ROOM];
};

// Probabilities so far of one query head: they are exp2(score - most), and weigh the values in `sum`.
template <int Count> struct Running {
    float most, total, sum[Count];

    __device__ __forceinline__ void join(float other_most, float other_total, const float* other, int stride) {
        float highest = fmaxf(most, other_most), mine = exp2f(most - highest), theirs = exp2f(other_most - highest);
        total = total * mine + other_total * theirs;
#pragma unroll
        for (int i = 0; i < Count; i++) {
            sum[i] = sum[i] * mine + other[i * stride] * theirs;
        }
        most = highest;
    }
};

// Keeps a new key or value behind the old ones; it becomes what attention reads of it.
__device__ __forceinline__ void append(float (&x)[4], i64 base, i64 scales, i64 token) {
#if CACHE_KIND == 1
    float scale = fmaxf(warp_max(fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])))), 1e-12f) / 127.0f;
    if (threadIdx.x % 32 == 0) {
        reinterpret_cast<float*>(scales)[token] = scale;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        reinterpret_cast<signed char*>(base)[token * D + place_of(i)] = (signed char)__float2int_rn(x[i] / scale);
        x[i] = rintf(x[i] / scale) * scale;
    }
#else
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
        *reinterpret_cast<u32*>(reinterpret_cast<T*>(base) + token * D + place_of(i)) = bf16_pair(x[i], x[i + 1]);
    }
#endif
}

__device__ __forceinline__ void attention(const Layer& layer, AttentionShared& s, const Words& words, u32 tag, int length, float epsilon, float softmax_scale, float logit_base, float logit_constant, int splits, uint2* partial) {
    // Tokens asked for ahead: as many as registers hold; a spilled one would wait behind the weights that are on their way.
    constexpr int M = Unpack<Kept>::N, LANES = D / M, TOKENS = 32 / LANES, AHEAD = CACHE_KIND == 1 ? 2 : 3, STRIDE = WARPS * TOKENS * AHEAD;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, column = lane % LANES * M;
    for (int task = blockIdx.x; task < splits * KEY_HEADS; task += gridDim.x) {
        int split = task % splits, key_head = task / splits;
        Place place = *reinterpret_cast<const Place*>(layer.table);
        int each = ((length + splits - 1) / splits + TOKENS * AHEAD - 1) / (TOKENS * AHEAD) * (TOKENS * AHEAD), begin = min(length, split * each), end = min(length, begin + each);
        bool newest = split == splits - 1, any = begin < end; // the newest's block also does the new token
        i64 first_token = key_head * place.capacity;
        const Kept* keys = reinterpret_cast<const Kept*>(place.keys) + first_token * D + column;
        const Kept* values = reinterpret_cast<const Kept*>(place.values) + first_token * D + column;
        const float* key_scales = reinterpret_cast<const float*>(place.key_scales) + first_token;
        const float* value_scales = reinterpret_cast<const float*>(place.value_scales) + first_token;
        uint4 k[AHEAD], v[AHEAD];
        float k_scale[AHEAD], v_scale[AHEAD];
        int token = begin + warp * TOKENS * AHEAD + lane / LANES;
        auto load = [&](const Kept* from, const float* scales, uint4 (&raw)[AHEAD], float (&scale)[AHEAD], int first) {
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                i64 at = min(first + u * TOKENS, end - 1);
                raw[u] = stream_load(from + at * D);
                if (CACHE_KIND == 1) {
                    scale[u] = scales[at];
                }
            }
        };
        if (any) {
            load(keys, key_scales, k, k_scale, token);
            load(values, value_scales, v, v_scale, token);
        }
        if (layer.frequencies != nullptr && threadIdx.x < D / 2) {
            rotation(length, layer.frequencies[threadIdx.x], layer.rotary_factor, s.angles[threadIdx.x], s.angles[D / 2 + threadIdx.x]);
        }
        float logit_scale = logit_base > 0.0f ? logf((float)length + logit_base) / logf(logit_base) : logit_constant;
        sync();
        const float* turn = layer.frequencies == nullptr ? nullptr : s.angles;
        for (int head = warp; head < GROUP + 2; head += WARPS) {
            float x[4];
            if (head < GROUP) {
                prepare_pairs(words.projected + (key_head * GROUP + head) * D / 2, tag - 1, layer.query_norm, epsilon, turn, x);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    // Scores are in units of ln 2, so that exp2 makes probabilities of them.
                    s.query[head][place_of(i)] = rounded<T>(x[i] * logit_scale) * (softmax_scale * 1.4426950408889634f);
                }
            } else if (newest) {
                bool is_key = head == GROUP;
                prepare_pairs(words.projected + ((is_key ? layer.key_offset : layer.value_offset) + key_head * D) / 2, tag - 1, is_key ? layer.key_norm : nullptr, epsilon, is_key ? turn : nullptr, x);
                append(x, is_key ? place.keys : place.values, is_key ? place.key_scales : place.value_scales, first_token + length);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    (is_key ? s.new_key : s.new_value)[place_of(i)] = x[i];
                }
            }
        }
        sync();

        Running<M> running[GROUP];
        float q[GROUP][M];
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            running[g].most = NOTHING;
            running[g].total = 0.0f;
#pragma unroll
            for (int j = 0; j < M; j++) {
                running[g].sum[j] = 0.0f;
                q[g][j] = s.query[g][column + j];
            }
        }
#pragma unroll 1
        for (; any && token - lane / LANES < end; token += STRIDE) {
            float score[AHEAD][GROUP];
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                float x[M];
                Unpack<Kept>::floats(k[u], x);
#pragma unroll
                for (int g = 0; g < GROUP; g++) {
                    float sum = 0.0f;
#pragma unroll
                    for (int j = 0; j < M; j++) {
                        sum = fmaf(q[g][j], x[j], sum);
                    }
                    sum = warp_sum<LANES>(sum);
                    score[u][g] = token + u * TOKENS < end ? (CACHE_KIND == 1 ? sum * k_scale[u] : sum) : NOTHING;
                }
            }
            if (token - lane / LANES + STRIDE < end) {
                load(keys, key_scales, k, k_scale, token + STRIDE);
            }
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float highest = running[g].most;
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    highest = fmaxf(highest, score[u][g]);
                }
                float shrink = exp2f(running[g].most - highest);
                running[g].most = highest;
                running[g].total *= shrink;
#pragma unroll
                for (int j = 0; j < M; j++) {
                    running[g].sum[j] *= shrink;
                }
#pragma unroll
                for (int u = 0; u < AHEAD; u++) {
                    score[u][g] = score[u][g] > 0.5f * NOTHING ? exp2f(score[u][g] - highest) : 0.0f;
                    running[g].total += score[u][g];
                }
            }
#pragma unroll
            for (int u = 0; u < AHEAD; u++) {
                float x[M];
                Unpack<Kept>::floats(v[u], x);
#pragma unroll
                for (int g = 0; g < GROUP; g++) {
                    float weight = CACHE_KIND == 1 ? score[u][g] * v_scale[u] : score[u][g];
#pragma unroll
                    for (int j = 0; j < M; j++) {
                        running[g].sum[j] = fmaf(weight, x[j], running[g].sum[j]);
                    }
                }
            }
            if (token - lane / LANES + STRIDE < end) {
                load(values, value_scales, v, v_scale, token + STRIDE);
            }
        }
        if (newest && warp == 0) {
            // The new token is one more of the first group of lanes.
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float sum = 0.0f;
#pragma unroll
                for (int j = 0; j < M; j++) {
                    sum = fmaf(q[g][j], s.new_key[column + j], sum);
                }
                sum = warp_sum<LANES>(sum);
                running[g].join(lane < LANES ? sum : NOTHING, lane < LANES ? 1.0f : 0.0f, s.new_value + column, 1);
            }
        }
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
#pragma unroll
            for (int step = LANES; step < 32; step *= 2) {
                float most = __shfl_xor_sync(FULL_WARP, running[g].most, step), total = __shfl_xor_sync(FULL_WARP, running[g].total, step), sum[M];
#pragma unroll
                for (int j = 0; j < M; j++) {
                    sum[j] = __shfl_xor_sync(FULL_WARP, running[g].sum[j], step);
                }
                running[g].join(most, total, sum, 1);
            }
            if (lane < LANES) {
#pragma unroll
                for (int j = 0; j < M; j++) {
                    s.parts[warp][g][column + j] = running[g].sum[j];
                }
            }
            if (lane == 0) {
                s.parts[warp][g][D] = running[g].most;
                s.parts[warp][g][D + 1] = running[g].total;
            }
        }
        sync();
        // A part that goes to another block: words of a float and the tag.
        for (int i = threadIdx.x; i < GROUP * D; i += THREADS) {
            int g = i / D, d = i % D;
            auto word = [&](int part, int c) { return partial + ((i64)(key_head * splits + part) * GROUP + g) * ROOM + c; };
            Running<1> all = {s.parts[0][g][D], s.parts[0][g][D + 1], {s.parts[0][g][d]}};
#pragma unroll
            for (int w = 1; w < WARPS; w++) {
                all.join(s.parts[w][g][D], s.parts[w][g][D + 1], &s.parts[w][g][d], 1);
            }
            if (!newest) {
                leave(word(split, d), __float_as_uint(all.sum[0]), tag);
                if (d == 0) {
                    leave(word(split, D), __float_as_uint(all.most), tag);
                    leave(word(split, D + 1), __float_as_uint(all.total), tag);
                }
                continue;
            }
            constexpr int TOGETHER = 4; // parts looked for at a time
            for (int other = 0; other < splits - 1; other += TOGETHER) {
                uint2 theirs[TOGETHER][3];
                bool there;
                do {
                    there = true;
#pragma unroll
                    for (int j = 0; j < TOGETHER; j++) {
#pragma unroll
                        for (int c = 0; c < 3; c++) {
                            theirs[j][c] = look_one(word(min(other + j, splits - 2), c == 0 ? d : D + c - 1));
                        }
                    }
#pragma unroll
                    for (int j = 0; j < TOGETHER; j++) {
                        there = there && theirs[j][0].y == tag && theirs[j][1].y == tag && theirs[j][2].y == tag;
                    }
                } while (!there);
#pragma unroll
                for (int j = 0; j < TOGETHER; j++) {
                    float sum = __uint_as_float(theirs[j][0].x);
                    if (other + j < splits - 1) {
                        all.join(__uint_as_float(theirs[j][1].x), __uint_as_float(theirs[j][2].x), &sum, 1);
                    }
                }
            }
            float y = all.sum[0] / all.total;
            u32 two = bf16_pair(y, __shfl_xor_sync(FULL_WARP, y, 1));
            if (d % 2 == 0) {
                leave(words.mixed + (key_head * GROUP * D + i) / 2, two, tag);
            }
        }
        sync();
    }
}

// `steps` counts steps, so that tags are new in each; `start` holds the embedding of the id that is read.
extern "C" __global__ void __launch_bounds__(THREADS + 32, 1)
decode_step(const Layer* layers, int count, const T* start, uint2* hidden, uint2* projected, uint2* mixed, uint2* inner, float* logits, const int* positions, const float* slopes,
            float epsilon, float linear_scale, float softmax_scale, float logit_base, float logit_constant, int splits, uint2* partial, const int* steps) {
    extern __shared__ __align__(128) u8 dynamic[];
    __shared__ Shared shared;
    u8* ring = dynamic;                                                    // [STAGES][8][columns]
    Layer* plan = reinterpret_cast<Layer*>(dynamic + STAGES * SLOT_BYTES); // [count + 1]
    Part* parts = reinterpret_cast<Part*>(plan + count + 1);               // [count + 1][4]
    u8* scratch = reinterpret_cast<u8*>(plan) + ((count + 1) * (int)(sizeof(Layer) + 4 * sizeof(Part)) + 127) / 128 * 128; // inputs of a product, or what a mixer needs
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int i = threadIdx.x; i < (count + 1) * (int)sizeof(Layer) / 8; i += blockDim.x) {
        reinterpret_cast<i64*>(plan)[i] = reinterpret_cast<const i64*>(layers)[i];
    }
    if (threadIdx.x < STAGES) {
        shared.arrived[threadIdx.x] = 0;
    }
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES * CUTS; i++) {
            barrier_make(shared.full + i, 1);
        }
        for (int i = 0; i < STAGES; i++) {
            barrier_make(shared.empty + i, TEAM);
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); // known to the copies
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 4 * (count + 1); i += blockDim.x) {
        const Layer& layer = plan[i / 4];
        int product = i / 4 == count ? 4 : i % 4, blocks = gridDim.x, first = ((int)blockIdx.x - layer.shift[i % 4] + blocks) % blocks;
        parts[i] = {first, (tiles_of(layer, product) - first + blocks - 1) / blocks};
    }
    __syncthreads();

    if (warp == WARPS) {
        if (lane == 0) {
            Stream stream = {ring, &shared, policy_read_once(), 0, 0, 0, 0, 0};
#pragma unroll 1
            for (int i = 0; i <= count; i++) {
#pragma unroll 1
                for (int product = i == count ? 4 : 0; product < (i == count ? 5 : 4); product++) {
                    stream.ask(plan[i], parts[4 * i + product % 4], product);
                }
            }
        }
        return;
    }

    const Words words = {projected, mixed, hidden, inner};
    u32 step = (u32)*steps * 1024 + 1;
    int position = max(0, *positions);
    Ring consumed = {0, 0, 0};
#pragma unroll 1
    for (int i = 0; i <= count; i++) {
        const Layer& layer = plan[i];
#pragma unroll 1
        for (int product = i == count ? 4 : 0; product < (i == count ? 5 : 4); product++) {
            u32 tag = step + i * PHASES + product % 4 + (product % 4 > 0 ? 1 : 0); // of what is written; what is read has the phase's in front
            Inputs from = {product == 1 ? mixed : product == 3 ? inner : i == 0 && product == 0 ? nullptr : hidden, start, tag - 1,
                           product == 1 && layer.gate_offset >= 0 ? projected + layer.gate_offset / 2 : nullptr,
                           product == 1 ? layer.output_norm : product == 2 ? layer.post_norm : product == 3 ? nullptr : layer.input_norm};
            float factor = prepare(from, inputs_of(product), scratch, shared, epsilon);
            multiply_tiles(layer, parts[4 * i + product % 4], product, ring, scratch, shared, consumed, words, i == 0 ? start : nullptr, logits, factor, tag);
            if (product == 0) {
                if (layer.is_attention) {
                    attention(layer, *reinterpret_cast<AttentionShared*>(scratch), words, tag + 1, position, epsilon, softmax_scale, logit_base, logit_constant, splits, partial);
                } else {
                    lightning(layer, *reinterpret_cast<LightningShared*>(scratch), words, tag + 1, position, slopes, epsilon, linear_scale);
                }
                sync();
            }
        }
    }
}
