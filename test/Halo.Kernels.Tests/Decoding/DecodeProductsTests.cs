using Halo.Kernels.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using static Halo.Kernels.Tests.Decoding.DecodeReference;

namespace Halo.Kernels.Tests.Decoding;

/// <summary>Products of a decoding step by both kernels (few rows; tensor cores), and the prepared inputs of batches.</summary>
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
    [InlineData("bf16", false, 6144, 2)]
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
        Tensor prepared = full([batch, 16384], float.NaN, type, CUDA);

        Tensor x = Norm(Exact(input.Rows_BK), input.Norm_K, input.Epsilon);
        x = Rounded(input.Gate_BK is { } gate ? x * Exact(gate).sigmoid() : x, type);
        Tensor[] each = [.. matrices.Select(matrix => Rounded(matmul(x, Weights(matrix).T) + (matrix.Bias_N is { } bias ? Exact(bias) : 0.0), type))];
        Tensor expected = paired ? each[0] * each[0].sigmoid() * each[1] : cat(each, 1);
        expected = epilogue == DecodeEpilogue.Add ? expected + before.narrow(1, 0, outputs) : expected;

        DecodeProducts.Launch(matrices, input, output_BN, epilogue, prepared);
        Near.Relative(expected, output_BN.cpu(), Tolerance(type));
        Assert.Equal(0.0, (Exact(wide).narrow(1, outputs, 24) - before.narrow(1, outputs, 24)).abs().max().item<double>());
    }
}
