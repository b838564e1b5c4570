using System.Collections.Concurrent;
using System.Numerics;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// QK-norm and RoPE of queries and keys in one kernel: RMSNorm over each head's D values, then the rotation of pairs (i, i + D/2),
/// <c>y = n cos + roll(n, D/2) sin</c> with the sign in the sine. Either part may be absent. Where no gradient is wanted, queries may be multiplied by a factor for each token.
/// </summary>
internal static class HeadRotation
{
    private const int Threads = 256;
    private const int Warp = 32;
    private static readonly ConcurrentDictionary<(ScalarType, ScalarType, int), (CudaKernel Forward, CudaKernel Backward, PersistentGrid Grid)> Kernels = new();

    /// <summary>Whether the kernels do these inputs.</summary>
    public static bool Serves(Tensor q_BTHD, Tensor k_BTHD, Tensor? qWeight, Tensor? kWeight, Tensor? cosine)
    {
        if (!KernelInputs.Fit(q_BTHD) || k_BTHD.dtype != q_BTHD.dtype || q_BTHD.NumberOfElements + k_BTHD.NumberOfElements >= q_BTHD.size(3) * int.MaxValue || qWeight is null != kWeight is null || (qWeight is null && cosine is null))
        {
            return false;
        }

        int lanes = Lanes((int)q_BTHD.size(3), q_BTHD.dtype);
        return lanes is >= 1 and <= Warp && BitOperations.IsPow2(lanes) && q_BTHD.size(3) == 2L * lanes * KernelInputs.Vector(q_BTHD.dtype)
            && (qWeight is null || (KernelInputs.IsElement(qWeight.dtype) && qWeight.dtype == kWeight!.dtype))
            && (cosine is null || (cosine.dtype == ScalarType.Float32 && cosine.stride(3) == 1 && cosine.stride(1) == cosine.size(3) && KernelArgument.Data(cosine) % 16 == 0));
    }

    /// <summary>Whether the kernel may also multiply queries by these factors: the backward pass knows nothing of them.</summary>
    public static bool Scales(Tensor factor_BT11, params ReadOnlySpan<Tensor?> inputs) => factor_BT11.dtype == ScalarType.Float32 && !Differentiable.Needed(inputs);

    /// <summary>The reference.</summary>
    public static (Tensor Q, Tensor K) Plain(
        Tensor q_BTHD, Tensor k_BTHD, Tensor? qWeight, Tensor? kWeight, double epsilon, Tensor? cosine, Tensor? signedSine, Tensor? factor_BT11 = null)
    {
        (Tensor q, Tensor k) = (Plain(q_BTHD, qWeight, epsilon, cosine, signedSine), Plain(k_BTHD, kWeight, epsilon, cosine, signedSine));
        return (factor_BT11 is null ? q : (q * factor_BT11).to_type(q.dtype), k);
    }

    /// <summary>The kernel, for inputs that <see cref="Serves"/> lets through.</summary>
    /// <param name="q_BTHD">Queries as projected.</param>
    /// <param name="k_BTHD">Keys as projected, with heads of their own number.</param>
    /// <param name="qWeight">Weight of the queries' norm, (D); null for none.</param>
    /// <param name="kWeight">Weight of the keys' norm.</param>
    /// <param name="epsilon">eps of the norm.</param>
    /// <param name="cosine">cos of the angles, float32, (1 or B, T, 1, D), both halves alike; null for no rotation.</param>
    /// <param name="signedSine">sin, laid out alike, the first half negated.</param>
    /// <param name="factor_BT11">What queries are multiplied by, (1 or B, 1 or T, 1, 1), where <see cref="Scales"/> lets it through; null for 1.</param>
    public static (Tensor Q, Tensor K) Forward(
        Tensor q_BTHD, Tensor k_BTHD, Tensor? qWeight, Tensor? kWeight, double epsilon, Tensor? cosine, Tensor? signedSine, Tensor? factor_BT11 = null)
    {
        using DisposeScope scope = NewDisposeScope();
        long FactorStride(int dimension) => factor_BT11 is null || factor_BT11.size(dimension) == 1 ? 0 : factor_BT11.stride(dimension);
        var sizes = new Sizes(q_BTHD, k_BTHD, qWeight, cosine);
        Tensor[] outputs = Differentiable.Apply(
            [q_BTHD, k_BTHD, qWeight, kWeight],
            wanted =>
            {
                Tensor q = KernelInputs.Ready(q_BTHD), k = KernelInputs.Ready(k_BTHD), q_out = empty_like(q), k_out = empty_like(k);
                sizes.Kernels.Forward.Launch(
                    sizes.Blocks, Threads, 0, q, k, qWeight, kWeight, cosine, signedSine, sizes.AngleStride, factor_BT11, FactorStride(0), FactorStride(1),
                    q_out, k_out, sizes.Rows, sizes.Length, sizes.Heads, sizes.KeyHeads, (float)epsilon);

                // A rotation alone is undone without its input.
                return ([q_out, k_out], wanted ? [qWeight is null ? null : q, qWeight is null ? null : k, qWeight, kWeight, cosine, signedSine] : []);
            },
            (node, gradients) => Backward(node, gradients, sizes, epsilon));
        return (outputs[0].MoveToOuterDisposeScope(), outputs[1].MoveToOuterDisposeScope());
    }

    private static Tensor?[] Backward(DifferentiableNode node, Tensor?[] gradients, Sizes sizes, double epsilon)
    {
        if ((gradients[0] ?? gradients[1]) is not { } some)
        {
            return [null, null, null, null];
        }

        if (node.Saved is not [var q, var k, var qWeight, var kWeight, var cosine, var sine])
        {
            throw new InvalidOperationException("six tensors are saved");
        }

        Tensor q_given = Strided(gradients[0] ?? zeros(sizes.QueryShape, some.dtype, some.device)), k_given = Strided(gradients[1] ?? zeros(sizes.KeyShape, some.dtype, some.device));
        Tensor dq = empty(sizes.QueryShape, some.dtype, some.device), dk = empty(sizes.KeyShape, some.dtype, some.device);
        long blocks = sizes.Kernels.Grid.Blocks(sizes.Blocks, some.device_index);
        Tensor? partial = qWeight is not null && (node.Needs(2) || node.Needs(3)) ? empty(blocks, 2 * sizes.Size, dtype: ScalarType.Float32, device: some.device) : null;
        sizes.Kernels.Backward.Launch(
            blocks, Threads, 0, q, k, qWeight, kWeight, cosine, sine, sizes.AngleStride,
            q_given, q_given.stride(0), q_given.stride(1), q_given.stride(2), k_given, k_given.stride(0), k_given.stride(1), k_given.stride(2),
            dq, dk, partial, sizes.Rows, sizes.Length, sizes.Heads, sizes.KeyHeads, (float)epsilon);
        if (partial is null)
        {
            return [dq, dk, null, null];
        }

        Tensor both = ColumnSum.Of(partial, qWeight!.dtype);
        return [dq, dk, both.narrow(0, 0, sizes.Size), both.narrow(0, sizes.Size, sizes.Size)];
    }

    /// <summary>The reference for one tensor.</summary>
    private static Tensor Plain(Tensor x_BTHD, Tensor? weight, double epsilon, Tensor? cosine, Tensor? signedSine)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = weight is null ? x_BTHD : RmsNormalization.Plain(x_BTHD, weight, epsilon);
        if (cosine is null)
        {
            return normed.alias().MoveToOuterDisposeScope();
        }

        Tensor turned = (normed * cosine).addcmul(normed.roll(normed.size(3) / 2, 3), signedSine!, 1);
        return turned.to_type(x_BTHD.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Gradients come transposed from attention; the kernel reads them where they lie if their last dimension is in order.</summary>
    private static Tensor Strided(Tensor gradient) => KernelInputs.HasVectors(gradient) ? gradient : KernelInputs.Ready(gradient);

    private static int Lanes(int size, ScalarType type) => size / (2 * KernelInputs.Vector(type));

    private sealed class Sizes
    {
        public Sizes(Tensor q_BTHD, Tensor k_BTHD, Tensor? weight, Tensor? cosine)
        {
            (QueryShape, KeyShape) = (q_BTHD.shape, k_BTHD.shape);
            (Length, Heads, KeyHeads, Size) = ((int)QueryShape[1], (int)QueryShape[2], (int)KeyShape[2], (int)QueryShape[3]);
            Rows = QueryShape[0] * Length * (Heads + KeyHeads);
            int rowsABlock = Threads / Lanes(Size, q_BTHD.dtype);
            Blocks = (Rows + rowsABlock - 1) / rowsABlock;
            AngleStride = cosine is null || cosine.size(0) == 1 ? 0 : cosine.stride(0);
            Kernels = HeadRotation.Kernels.GetOrAdd((q_BTHD.dtype, weight?.dtype ?? ScalarType.Float32, Size), key =>
            {
                (string, string)[] defines = [("ELEMENT", KernelInputs.Name(key.Item1)), ("WEIGHT", KernelInputs.Name(key.Item2)), ("HEAD_DIM", $"{key.Item3}")];
                CudaKernel backward = CudaKernel.Get("qk_norm_rope.cu", "qk_norm_rope_backward", defines);
                return (CudaKernel.Get("qk_norm_rope.cu", "qk_norm_rope", defines), backward, new PersistentGrid(backward, Threads));
            });
        }

        public long[] QueryShape { get; }

        public long[] KeyShape { get; }

        public int Length { get; }

        public int Heads { get; }

        public int KeyHeads { get; }

        public int Size { get; }

        public long Rows { get; }

        public long Blocks { get; }

        public long AngleStride { get; }

        public (CudaKernel Forward, CudaKernel Backward, PersistentGrid Grid) Kernels { get; }
    }
}
