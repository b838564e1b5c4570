// The layers of a decoding step of one sequence, and the head, as one kernel with a block on each multiprocessor. In a block one thread streams the block's weights,
// product after product, in bulk copies into a ring in shared memory, and never waits for what is computed: memory does not rest between products. Eight warps compute:
// they make a product's inputs, multiply what has come, and do the mixers.
// Between blocks results go through memory, that is the second-level cache, without fences: a word of 8 bytes holds two values and the tag of a step and a phase of it,
// so that a reader sees by the word itself whether it is there. Nobody overwrites what is still to be read: who writes has read results of all blocks that have read it.
// A tile is eight rows of W, for SwiGLU four of either matrix; a stage of the ring has up to PIECE columns of one, which the TEAM warps of a team divide. A lane's
// 16 bytes of a row are its part of two products on tensor cores, whose left side are the inputs, in the same order. Codes of 8 bits (WEIGHT_KIND 1) are multiplied as
// integers: an input is three signed digits of 8 bits, 23 bits below the greatest, so that sums are exact. What a norm divides by is applied to the sums.
// All inputs are bfloat16, heads have 128 values. Grid (blocks), 288 threads; all blocks must be there at once.
#include "step_attention.cuh"
#include "step_products.cuh"

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
