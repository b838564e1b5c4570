using Halo.Kernels.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using static Halo.Kernels.Tests.Decoding.DecodeReference;

namespace Halo.Kernels.Tests.Decoding;

/// <summary>Products of a decoding step by all kernels (few rows; tensor cores; both also with bulk copies, on cards that have them), and the prepared inputs of batches.</summary>
public class DecodeProductsTests
{
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData("bf16", false, 192, 1)]
    [InlineData("bf16", false, 192, 2)]
    [InlineData("bf16", false, 192, 3)]
    [InlineData("bf16", false, 192, 4)]
    [InlineData("bf16", false, 192, 8)]
    [InlineData("bf16", false, 192, 16)]
    [InlineData("bf16", false, 192, 40)]
    [InlineData("bf16", true, 192, 1)]
    [InlineData("bf16", true, 192, 2)]
    [InlineData("bf16", true, 192, 5)]
    [InlineData("bf16", true, 192, 64)]
    [InlineData("f32", false, 192, 1)]
    [InlineData("f32", false, 192, 2)]
    [InlineData("f32", false, 192, 5)]
    [InlineData("f32", true, 192, 1)]
    [InlineData("f32", true, 192, 8)]
    public void AllThatALayerAsksFor(string typeName, bool codes, int inputs, int batch)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(batch);
        ScalarType type = Type(typeName);
        Tensor x_BK = Values(type, batch, inputs), gate_BK = Values(type, batch, inputs), norm_K = Values(type, inputs);

        // Queries, keys, values and gates: none of them a whole number of tiles, some with a bias.
        DecodeMatrix[] four = [Matrix(type, codes, 200, inputs, true), Matrix(type, codes, 72, inputs, false), Matrix(type, codes, 40, inputs, true), Matrix(type, codes, 12, inputs, true)];
        Check(four, new DecodeInput(PartOfWider(x_BK), norm_K, Epsilon), DecodeEpilogue.Store);
        Check(four[..1], new DecodeInput(PartOfWider(x_BK), norm_K, Epsilon, PartOfWider(gate_BK)), DecodeEpilogue.Add);
        Check(four[1..2], new DecodeInput(x_BK, null, 0, PartOfWider(gate_BK)), DecodeEpilogue.Add);
        Check([Matrix(type, codes, 333, inputs, true), Matrix(type, codes, 333, inputs, true)], new DecodeInput(x_BK, norm_K, Epsilon), DecodeEpilogue.SwiGlu);
        Check(four[2..3], new DecodeInput(PartOfWider(x_BK)), DecodeEpilogue.Add);
        Check([Matrix(type, codes, 4999, inputs, false)], new DecodeInput(x_BK, norm_K, Epsilon), DecodeEpilogue.Logits);
    }

    [Theory]
    [InlineData("bf16", false, 64, 1)]
    [InlineData("bf16", false, 64, 8)]
    [InlineData("bf16", true, 64, 8)]
    [InlineData("bf16", false, 2048, 1)]
    [InlineData("bf16", true, 2048, 1)]
    [InlineData("bf16", false, 2048, 3)]
    [InlineData("bf16", false, 2048, 32)]
    [InlineData("bf16", true, 2048, 64)]
    [InlineData("bf16", false, 1024, 16)]
    [InlineData("bf16", false, 6144, 2)]
    [InlineData("bf16", false, 6144, 5)]
    [InlineData("bf16", false, 6144, 40)]
    [InlineData("bf16", true, 6144, 1)]
    [InlineData("bf16", false, 3072, 32)]
    [InlineData("bf16", true, 6144, 16)]
    [InlineData("bf16", false, 9728, 8)]
    [InlineData("bf16", true, 9728, 40)]
    [InlineData("f32", false, 6144, 1)]
    [InlineData("f32", false, 9728, 4)]
    public void OtherWidths(string typeName, bool codes, int inputs, int batch)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(inputs);
        ScalarType type = Type(typeName);
        Tensor x_BK = Values(type, batch, inputs);
        Check([Matrix(type, codes, 2100, inputs, false), Matrix(type, codes, 77, inputs, true)], new DecodeInput(x_BK, Values(type, inputs), Epsilon), DecodeEpilogue.Store);
        Check([Matrix(type, codes, 500, inputs, false)], new DecodeInput(x_BK), DecodeEpilogue.Add);
        Check([Matrix(type, codes, 333, inputs, true), Matrix(type, codes, 333, inputs, false)], new DecodeInput(x_BK), DecodeEpilogue.SwiGlu);
        Check([Matrix(type, codes, 2999, inputs, false)], new DecodeInput(x_BK), DecodeEpilogue.Logits);
    }

    // Whole tiles: by clusters of blocks, where the card has warp groups.
    [Theory]
    [InlineData(512, 9)]
    [InlineData(1024, 32)]
    [InlineData(2048, 9)]
    [InlineData(2048, 16)]
    [InlineData(2048, 32)]
    [InlineData(2048, 64)]
    [InlineData(3072, 33)]
    [InlineData(4096, 20)]
    [InlineData(6144, 12)]
    [InlineData(6144, 32)]
    public void WholeTiles(int inputs, int batch)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(inputs + batch);
        const ScalarType type = ScalarType.BFloat16;
        Assert.True((ClusterShape.Of(2, inputs, batch, 227 << 10) ?? ClusterShape.Of(4, inputs, batch, 227 << 10)) is not null);
        Tensor x_BK = Values(type, batch, inputs), gate_BK = Values(type, batch, inputs), norm_K = Values(type, inputs);
        DecodeMatrix[] four = [Matrix(type, false, 2048, inputs, true), Matrix(type, false, 640, inputs, false), Matrix(type, false, 64, inputs, true), Matrix(type, false, 100, inputs, true)];
        Check(four, new DecodeInput(PartOfWider(x_BK), norm_K, Epsilon), DecodeEpilogue.Store);
        Check(four[..1], new DecodeInput(PartOfWider(x_BK), norm_K, Epsilon, PartOfWider(gate_BK)), DecodeEpilogue.Add);
        Check(four[1..2], new DecodeInput(x_BK, null, 0, PartOfWider(gate_BK)), DecodeEpilogue.Add);
        Check([Matrix(type, false, 4333, inputs, true), Matrix(type, false, 4333, inputs, true)], new DecodeInput(x_BK, norm_K, Epsilon), DecodeEpilogue.SwiGlu);
        Check(four[2..3], new DecodeInput(PartOfWider(x_BK)), DecodeEpilogue.Add);
        Check([Matrix(type, false, 12, inputs, true)], new DecodeInput(x_BK), DecodeEpilogue.Store);
        Check([Matrix(type, false, 20, inputs, false), Matrix(type, false, 20, inputs, false)], new DecodeInput(x_BK, norm_K, Epsilon), DecodeEpilogue.SwiGlu);
        Check([Matrix(type, false, 20001, inputs, false)], new DecodeInput(x_BK, norm_K, Epsilon), DecodeEpilogue.Logits);
    }

    [Fact]
    public void ShapesFitTheirCards()
    {
        // Two blocks of the one and a mixer, or one of the other, share a multiprocessor's 227 KiB.
        Assert.Equal((8, 3, 96 << 10), ((int, int, int))(StreamShape.Of(2048, false, 1) is { } wide ? (wide.Rows, wide.Stages, wide.SharedBytes) : default));
        Assert.Equal((2, 4, 96 << 10), ((int, int, int))(StreamShape.Of(6144, false, 1) is { } long1 ? (long1.Rows, long1.Stages, long1.SharedBytes) : default));
        Assert.Null(StreamShape.Of(51200, false, 1));
        foreach (int inputs in new[] { 1024, 2048, 3072, 4096, 6144, 12288 })
        {
            foreach (int batch in new[] { 4, 8, 16, 32, 64 })
            {
                TileShape shape = TileShape.Of(inputs, 0, batch)!.Value;
                Assert.True(shape.Slice * shape.Slices == inputs && shape.Slice % 512 == 0 && shape.Stages >= 2 && shape.SharedBytes <= 220 << 10);
            }
        }

        const int Room = 227 << 10;
        Assert.Equal((32, 5), ClusterShape.Of(4, 6144, 32, Room) is { } down ? (down.Columns, down.Stages) : default);
        Assert.NotNull(ClusterShape.Of(4, 7168, 32, Room));
        Assert.Null(ClusterShape.Of(4, 8192, 32, Room));
        Assert.Equal(2, ClusterShape.Of(2, 2048, 16, Room)?.Cluster);
        Assert.True(ClusterShape.Of(4, 6144, 32, Room)?.SharedBytes <= Room && ClusterShape.Of(2, 6144, 16, Room)?.SharedBytes <= Room);
        Assert.Null(ClusterShape.Of(2, 6144, 32, Room)); // inputs take all the room
        Assert.Null(ClusterShape.Of(4, 1536, 32, Room)); // no whole pieces
        Assert.Null(TileShape.Of(9728, 0, 8));
        Assert.Null(TileShape.Of(192, 0, 8));
    }

    [Fact]
    public void WidthsThatDoNotFitAreKnown()
    {
        Assert.True(DecodeProducts.Fits(64) && DecodeProducts.Fits(2048) && DecodeProducts.Fits(12288));
        Assert.False(DecodeProducts.Fits(96) || DecodeProducts.Fits(1 << 20));
    }

    private static DecodeMatrix Matrix(ScalarType type, bool codes, int outputs, int inputs, bool bias)
    {
        Tensor? bias_N = bias ? Values(type, outputs) : null;
        return codes
            ? new DecodeMatrix(randint(-127, 128, [outputs, inputs], ScalarType.Int8).to(CUDA), (rand(outputs, 1) * (0.03 / Math.Sqrt(inputs))).to(CUDA), bias_N)
            : new DecodeMatrix((randn(outputs, inputs) / Math.Sqrt(inputs)).to_type(type).to(CUDA), null, bias_N);
    }

    private static Tensor Weights(DecodeMatrix matrix) => matrix.Scales_N1 is { } scales ? Exact(matrix.Weight_NK) * Exact(scales) : Exact(matrix.Weight_NK);

    /// <summary>One product in rows wider than its own, whose rest must stay as it is.</summary>
    private static void Check(DecodeMatrix[] matrices, DecodeInput input, DecodeEpilogue epilogue)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = input.Rows_BK.dtype;
        long batch = input.Rows_BK.shape[0];
        bool paired = epilogue == DecodeEpilogue.SwiGlu;
        long outputs = paired ? matrices[0].Outputs : matrices.Sum(matrix => (long)matrix.Outputs);
        Tensor wide = Values(epilogue == DecodeEpilogue.Logits ? ScalarType.Float32 : type, batch, outputs + 24), output_BN = wide.narrow(1, 0, outputs);
        Tensor before = Exact(wide);
        long partial = DecodeProducts.PartialSize(matrices, epilogue, (int)batch);
        Tensor counters = zeros([DecodeProducts.CountersSize((int)batch, 0)], ScalarType.Int32, CUDA);
        var room = new DecodeRoom(full([batch, 16384], float.NaN, type, CUDA), full([partial + 1], float.NaN, ScalarType.Float32, CUDA), counters);

        Tensor x = Norm(Exact(input.Rows_BK), input.Norm_K, input.Epsilon);
        x = Rounded(input.Gate_BK is { } gate ? x * Exact(gate).sigmoid() : x, type);
        Tensor[] each = [.. matrices.Select(matrix => Rounded(matmul(x, Weights(matrix).T) + (matrix.Bias_N is { } bias ? Exact(bias) : 0.0), type))];
        Tensor expected = paired ? each[0] * each[0].sigmoid() * each[1] : cat(each, 1);
        expected = epilogue == DecodeEpilogue.Add ? expected + before.narrow(1, 0, outputs) : expected;

        DecodeProducts.Launch(matrices, input, output_BN, epilogue, room);
        Near.Relative(expected, output_BN.cpu(), Tolerance(type));
        Assert.Equal(0, counters.abs().sum().item<long>());
        Assert.True(partial == 0 || room.Partial[partial].isnan().item<bool>());
        Assert.Equal(0.0, (Exact(wide).narrow(1, outputs, 24) - before.narrow(1, outputs, 24)).abs().max().item<double>());
    }
}
