using Halo.Kernels.Cuda;
using Halo.Kernels.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using static Halo.Kernels.Tests.Decoding.DecodeReference;

namespace Halo.Kernels.Tests.Decoding;

public class DecodeMixersTests
{
    [Theory]
    [InlineData("bf16", 128, 16, 16, true, true)]
    [InlineData("bf16", 64, 4, 2, true, false)]
    [InlineData("bf16", 128, 4, 1, false, true)]
    [InlineData("f32", 128, 4, 4, true, true)]
    [InlineData("f32", 64, 6, 3, false, false)]
    public void LightningGoesOnStepByStep(string typeName, int size, int heads, int keyHeads, bool normed, bool turned)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(size + heads);
        ScalarType type = Type(typeName);
        DecodeHeads layer = Layer(type, size, heads, keyHeads, normed, turned);
        int[] positions = [0, 7, 32766, 900_000];
        const double Scale = 0.3;
        double[] slopes = [.. Lightning.Slopes(heads)];

        // Each sequence's states lie elsewhere.
        Tensor[] states = [.. positions.Select((position, row) => position == 0 ? zeros([heads, size, size], ScalarType.Float32, CUDA) : Values(ScalarType.Float32, heads, size, size))];
        Tensor addresses_B = tensor(states.Select(state => (long)KernelArgument.Data(state)).ToArray(), device: CUDA), slopes_H = tensor(slopes.Select(slope => (float)slope).ToArray(), device: CUDA);
        Tensor[] expected = [.. states.Select(Exact)];
        Tensor decay_H11 = tensor(slopes.Select(slope => Math.Exp(-(float)slope)).ToArray()).view(heads, 1, 1);
        for (int step = 0; step < 4; step++)
        {
            Tensor rows = Values(type, positions.Length, layer.GateOffset + 32), output_BE = PartOfWider(Values(type, positions.Length, (long)heads * size), 0);
            DecodeMixers.Lightning(layer, rows, slopes_H, addresses_B, tensor(positions.Select(position => position + step).ToArray(), device: CUDA), (float)Scale, output_BE);
            for (int row = 0; row < positions.Length; row++)
            {
                (Tensor q_HD, Tensor k_HD, Tensor v_HD) = Heads(layer, rows[row], positions[row] + step);
                long group = heads / keyHeads;
                expected[row] = (expected[row] * decay_H11) + (k_HD.repeat_interleave(group, 0).unsqueeze(2) * v_HD.repeat_interleave(group, 0).unsqueeze(1));
                Near.Relative(expected[row], states[row].cpu(), Tolerance(type));
                Near.Relative((q_HD.unsqueeze(1).matmul(expected[row]) * Scale).reshape((long)heads * size), output_BE[row].cpu(), Tolerance(type));
            }
        }
    }

    [Theory]
    [InlineData("bf16", false, 128, 8, 8)]
    [InlineData("bf16", false, 128, 16, 8)]
    [InlineData("bf16", false, 128, 12, 3)]
    [InlineData("bf16", false, 64, 16, 2)]
    [InlineData("bf16", false, 64, 9, 3)]
    [InlineData("bf16", true, 128, 16, 8)]
    [InlineData("bf16", true, 64, 8, 2)]
    [InlineData("f32", false, 64, 4, 2)]
    [InlineData("f32", false, 128, 16, 2)]
    [InlineData("f32", true, 128, 2, 1)]
    public void AttentionOverCachesOfAnyLength(string typeName, bool codes, int size, int heads, int keyHeads)
    {
        Gpu.Need();
        Assert.True(DecodeMixers.Fits(heads, keyHeads, size));
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(size + heads);
        ScalarType type = Type(typeName);
        int[] lengths = [0, 1, 63, 700, 2999, -1], capacities = [4, 2, 64, 1024, 3072, 1];
        Cached[] caches = [.. lengths.Select((length, row) => new Cached(type, codes, keyHeads, capacities[row], Math.Max(0, length), size))];
        Tensor table = tensor(caches.SelectMany(cache => cache.Entries).ToArray(), [lengths.Length, DecodeMixers.Entries], device: CUDA);
        Tensor counters = zeros((long)lengths.Length * keyHeads, ScalarType.Int32, CUDA);
        double tolerance = codes ? 1.5e-2 : Tolerance(type); // A code may fall to the other side.
        int best = DecodeMixers.Splits(lengths.Length, keyHeads, 0);
        bool plain = true;
        foreach ((int splits, float logitBase, float constant_) in new[] { (best, 0f, 1f), (1, 6324.56f, 1f), (2, 0f, 0.7f), (37, 362f, 1f) })
        {
            DecodeHeads layer = Layer(type, size, heads, keyHeads, plain, !plain);
            plain = !plain;
            Tensor rows = Values(type, lengths.Length, layer.GateOffset + 32), output_BE = PartOfWider(Values(type, lengths.Length, (long)heads * size), 0);
            Tensor partial = full([DecodeMixers.PartialSize(lengths.Length, layer, splits)], float.NaN, ScalarType.Float32, CUDA);
            DecodeMixers.Attention(layer, rows, codes, table, tensor(lengths, device: CUDA), logitBase, constant_, splits, partial, counters, output_BE);
            Assert.Equal(0, counters.abs().sum().item<long>());
            for (int row = 0; row < lengths.Length - 1; row++)
            {
                using DisposeScope inner = NewDisposeScope();
                int length = lengths[row];
                (Tensor q_HD, Tensor k_HD, Tensor v_HD) = Heads(layer, rows[row], length);
                double factor = logitBase > 0 ? Math.Log(length + logitBase) / Math.Log(logitBase) : constant_;
                Tensor q_KGD = Rounded(q_HD * factor, type).view(keyHeads, heads / keyHeads, size);
                (Tensor k_KTD, Tensor v_KTD) = caches[row].Read(length);
                k_KTD = cat([k_KTD, caches[row].AsKept(k_HD).unsqueeze(1)], 1);
                v_KTD = cat([v_KTD, caches[row].AsKept(v_HD).unsqueeze(1)], 1);
                Tensor expected_KGD = (q_KGD.matmul(k_KTD.transpose(1, 2)) / Math.Sqrt(size)).softmax(-1).matmul(v_KTD);
                Near.Relative(expected_KGD.reshape((long)heads * size), output_BE[row].cpu(), tolerance);

                // The new token was appended, and nothing else was touched.
                (Tensor keptKeys_KTD, Tensor keptValues_KTD) = caches[row].Read(length + 1);
                Near.Relative(k_KTD, keptKeys_KTD, tolerance);
                Near.Relative(v_KTD, keptValues_KTD, tolerance);
                Assert.True(caches[row].IsUntouchedFrom(length + 1));
            }
        }
    }

    [Fact]
    public void HeadsThatDoNotFitAreKnown()
    {
        Assert.True(DecodeMixers.Fits(16, 8, 128) && DecodeMixers.Fits(8, 1, 64));
        Assert.False(DecodeMixers.Fits(16, 8, 96) || DecodeMixers.Fits(16, 1, 128) || DecodeMixers.Fits(16, 3, 128));
    }

    private static DecodeHeads Layer(ScalarType type, int size, int heads, int keyHeads, bool normed, bool turned) => new()
    {
        Heads = heads,
        KeyHeads = keyHeads,
        Size = size,
        QueryNorm_D = normed ? Values(type, size) : null,
        KeyNorm_D = normed ? Values(type, size) : null,
        Epsilon = 1e-6f,
        Frequencies = turned ? tensor(Enumerable.Range(0, size / 2).Select(i => MathF.Pow(10000, -2f * i / size)).ToArray()).to(CUDA) : null,
        Amplitude = turned ? 1.2f : 1,
    };

    /// <summary>Keys and values (Hkv,capacity,D) of one sequence; what lies beyond its length is no number, or nonsense.</summary>
    private sealed class Cached
    {
        private const sbyte Nonsense = 99;
        private readonly bool _codes;
        private readonly ScalarType _type;
        private readonly Tensor[] _data;
        private readonly Tensor[] _scales;

        public Cached(ScalarType type, bool codes, int keyHeads, int capacity, int length, int size)
        {
            (_codes, _type) = (codes, type);
            Tensor Made()
            {
                Tensor all = codes ? full([keyHeads, capacity, size], Nonsense, ScalarType.Int8, CUDA) : full([keyHeads, capacity, size], float.NaN, type, CUDA);
                if (length > 0)
                {
                    all.narrow(1, 0, length).copy_(codes ? randint(-127, 128, [keyHeads, length, size], ScalarType.Int8) : randn(keyHeads, length, size));
                }

                return all;
            }

            Tensor Scales()
            {
                Tensor all = full([keyHeads, capacity], float.NaN, ScalarType.Float32, CUDA);
                if (length > 0)
                {
                    all.narrow(1, 0, length).copy_((rand(keyHeads, length) + 0.5) / 60);
                }

                return all;
            }

            _data = [Made(), Made()];
            _scales = codes ? [Scales(), Scales()] : [];
            Entries = [KernelArgument.Data(_data[0]), KernelArgument.Data(_data[1]), capacity, codes ? KernelArgument.Data(_scales[0]) : 0, codes ? KernelArgument.Data(_scales[1]) : 0, 0];
        }

        public long[] Entries { get; }

        /// <summary>Keys and values of the first tokens, float64.</summary>
        public (Tensor Keys_KTD, Tensor Values_KTD) Read(int length) => (Part(0, length), Part(1, length));

        /// <summary>What is kept of new keys or values (Hkv,D).</summary>
        public Tensor AsKept(Tensor x_KD)
        {
            if (!_codes)
            {
                return Rounded(x_KD, _type);
            }

            Tensor scale = x_KD.abs().amax([1], keepdim: true) / 127;
            return (x_KD / scale).round() * scale;
        }

        public bool IsUntouchedFrom(int length)
        {
            Tensor Rest(Tensor x) => x.narrow(1, length, x.shape[1] - length);
            return _data.All(one => Rest(one).NumberOfElements == 0 || (_codes ? Rest(one) == Nonsense : Rest(one).isnan()).all().item<bool>())
                && _scales.All(one => Rest(one).NumberOfElements == 0 || Rest(one).isnan().all().item<bool>());
        }

        private Tensor Part(int which, int length)
        {
            Tensor data = Exact(_data[which].narrow(1, 0, length));
            return _codes ? data * Exact(_scales[which].narrow(1, 0, length)).unsqueeze(2) : data;
        }
    }
}
