using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class QuantizedTests
{
    [Theory]
    [InlineData(WeightFormat.Int8, 127)]
    [InlineData(WeightFormat.Int4, 8)]
    public void Codes_stand_for_the_nearest_values(WeightFormat format, int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(5);
        Tensor w = randn([24, 64], generator: generator);
        w[3] = 0; // A row of nothing stays nothing.
        using QuantizedWeight quantized = QuantizedWeight.Of(w, format);
        Tensor dense = quantized.Dense(ScalarType.Float32);

        // Half a step of the group's greatest value, or of one cut off by a quarter.
        Tensor groups = w.view(24, -1, format == WeightFormat.Int8 ? 64 : QuantizedWeight.Group);
        Tensor step = groups.abs().amax([2], keepdim: true) / steps;
        Tensor error = (dense.view_as(groups) - groups).abs();
        Assert.True((error <= (step * (format == WeightFormat.Int8 ? 0.501 : 2.1))).all().item<bool>());
        Assert.True(error.square().mean().item<float>() <= (format == WeightFormat.Int8 ? 6e-5 : 8e-3));
        Assert.Equal(0, dense[3].abs().max().item<float>());

        Tensor x = randn([2, 3, 64], generator: generator), rows = tensor((long[])[5, 0, 5]);
        Near.Relative(nn.functional.linear(x, dense), quantized.Multiply(x), 1e-6);
        Near.Relative(dense.index_select(0, rows), quantized.Rows(rows, ScalarType.Float32), 0);
        Tensor half = x.to_type(ScalarType.BFloat16);
        Near.Relative(nn.functional.linear(half.to_type(ScalarType.Float32), dense), quantized.Multiply(half).to_type(ScalarType.Float32), 2e-2);
        Assert.Equal(format == WeightFormat.Int8 ? 24 * (64 + 4) : 24 * (32 + 8), quantized.Bytes);
    }

    [Theory]
    [InlineData("hypenet", WeightFormat.Int8)]
    [InlineData("qwen2", WeightFormat.Int8)] // With biases.
    [InlineData("qwen3-untied", WeightFormat.Int4)]
    public void A_quantized_model_is_the_model_of_the_rounded_weights(string name, WeightFormat format)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load(name), rounded = GoldenModel.Load(name);
        Tensor ids = GoldenModel.Ids(2, 30);
        long before = model.Parameters.Sum(parameter => parameter.Bytes);
        model.Quantize(format);
        Assert.InRange(model.Parameters.Sum(parameter => parameter.Bytes), 1, before / 3);
        foreach ((Parameter own, Parameter other) in model.Parameters.Zip(rounded.Parameters))
        {
            if (own.Quantized is { } quantized)
            {
                other.Value.copy_(quantized.Dense(ScalarType.Float32));
                Assert.Throws<InvalidOperationException>(() => own.Value);
            }
        }

        Tensor actual = model.Logits(model.Hidden(ids));
        Near.Relative(rounded.Logits(rounded.Hidden(ids)), actual, 2e-5);
    }
}
