// The products of decode_step.cu: the thread that asks for weights, what makes a product's inputs, and what multiplies.
#pragma once
#include "step.cuh"
#include "tensor_cores.cuh"

// The thread that asks for weights.
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
