using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

/// <summary>Layers that add to the residual stream within their products; chosen on CUDA only, their meaning is checked here on the CPU.</summary>
public sealed class InPlaceTests
{
    private static readonly ModelConfiguration Biased = ModelConfiguration.Load(GoldenModel.Folder("hypenet")) with { AttentionBias = true, AttentionOutputBias = true, MlpBias = true };

    [Theory]
    [InlineData("qwen3-untied")]
    [InlineData("qwen2")]
    [InlineData("hypenet-scaled")]
    public void A_layer_in_place_gives_the_layer(string name)
    {
        using CausalLm model = GoldenModel.Load(name);
        Compare(model, 1e-6);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    public void Biases_and_quantized_weights_are_added_too(WeightFormat? format)
    {
        using CausalLm model = CausalLm.Create(Biased, CPU, ScalarType.Float32, 1);
        foreach (Parameter parameter in model.Parameters.Where(one => one.Name.EndsWith(".bias", StringComparison.Ordinal)))
        {
            parameter.Value.normal_();
        }

        if (format is { } some)
        {
            model.Quantize(some);
        }

        Compare(model, 1e-6);
    }

    [Fact]
    public void In_half_precision_it_is_as_near_to_the_exact_output()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(2, 40), exact = model.Hidden(ids);
        model.ComputeType = ScalarType.BFloat16;
        double Off(Tensor hidden) => (hidden.to_type(ScalarType.Float32) - exact).norm().item<float>() / exact.norm().item<float>();
        double usual = Off(model.Hidden(ids)), mine = Off(InPlace(model, ids));

        // Both round in other places; neither may be further off than chance makes it.
        Assert.True(mine <= 1.25 * usual, $"{mine:E2}, layer by layer {usual:E2}");
    }

    [Theory]
    [InlineData("qwen2", 1, 1)]
    [InlineData("hypenet", 2, 1)]
    [InlineData("hypenet-scaled", 2, 7)]
    public void The_last_tokens_alone_are_those_of_all_and_the_cache_has_all(string name, int batch, int last)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load(name);
        Tensor ids = GoldenModel.Ids(batch, 40), next = GoldenModel.Ids(batch, 1, 4);
        foreach (DecoderLayer layer in model.Layers)
        {
            // A layer alone, which stands in the place of the last one.
            using var expectedCache = HybridCache.Create(model, batch);
            using var cache = HybridCache.Create(model, batch);
            LayerContext expectedContext = model.Context(ids, null, expectedCache), context = model.Context(ids, null, cache);
            Tensor expected = layer.Forward(model.Embed(ids), expectedContext), actual = layer.ForwardInPlace(model.Embed(ids), context, last);
            Assert.Equal([batch, last, expected.shape[2]], actual.shape);
            Near.Relative(expected.narrow(1, 40 - last, last), actual, 1e-6);
            expectedCache.Advance(expectedContext);
            cache.Advance(context);
            Near.Relative(layer.Forward(model.Embed(next), model.Context(next, null, expectedCache)), layer.Forward(model.Embed(next), model.Context(next, null, cache)), 1e-6);
        }
    }

    private static void Compare(CausalLm model, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        Tensor ids = GoldenModel.Ids(2, 40);
        Near.Relative(model.Hidden(ids), InPlace(model, ids), tolerance);
    }

    private static Tensor InPlace(CausalLm model, Tensor ids)
    {
        LayerContext context = model.Context(ids);
        Tensor x = model.Embed(ids);
        foreach (DecoderLayer layer in model.Layers)
        {
            x = layer.ForwardInPlace(x, context, ids.shape[1]);
        }

        return model.FinalNorm(x);
    }
}
