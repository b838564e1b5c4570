using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class RotaryTests
{
    [Fact]
    public void Yarn_given_at_load_equals_yarn_in_the_file()
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfiguration file = ModelConfiguration.Load(GoldenModel.Folder("qwen3-yarn"));
        ModelConfiguration given = (file with { RopeScaling = null, MaxPositionEmbeddings = 32 }).WithYarn(4);
        using CausalLm model = CausalLm.Load(GoldenModel.Folder("qwen3-yarn"), given, CPU, ScalarType.Float32);
        Assert.InRange(ModelVerification.Compare(model, GoldenModel.Reference("qwen3-yarn")).LargestDifference, 0, 1e-4);
        using CausalLm without = CausalLm.Load(GoldenModel.Folder("qwen3-yarn"), file with { RopeScaling = null }, CPU, ScalarType.Float32);
        Assert.True(ModelVerification.Compare(without, GoldenModel.Reference("qwen3-yarn")).LargestDifference > 0.01);
    }

    [Fact]
    public void Yarn_keeps_the_fastest_and_stretches_the_slowest_frequencies()
    {
        float[] plain = Rotary.Frequencies(128, 1e6, null), scaled = Rotary.Frequencies(128, 1e6, new RopeScaling(4, 32768));
        Assert.Equal(plain[0], scaled[0]);
        Assert.Equal(plain[63] / 4, scaled[63], 1e-12);
        Assert.All(plain.Zip(scaled), pair => Assert.InRange(pair.Second, pair.First * 0.2499f, pair.First));
    }

    [Fact]
    public void Table_and_made_angles_are_the_same()
    {
        using DisposeScope scope = NewDisposeScope();
        using var rotary = new Rotary(16, 1e4, new RopeScaling(2, 64), CPU);
        RotaryAngles table = rotary.At(700, 30);
        RotaryAngles made = rotary.At(arange(700, 730, ScalarType.Int64).unsqueeze(0));
        Assert.Equal([1L, 30, 1, 16], table.Cosine.shape);
        Near.Relative(table.Cosine, made.Cosine, 0);
        Near.Relative(table.SignedSine, made.SignedSine, 0);
        RotaryAngles far = rotary.At(1_000_000, 2);
        Near.Relative(far.SignedSine, rotary.At(tensor([1_000_000L, 1_000_001]).unsqueeze(0)).SignedSine, 0);
    }

    [Fact]
    public void Products_depend_on_the_distance_alone_even_far_out()
    {
        using DisposeScope scope = NewDisposeScope();
        using var rotary = new Rotary(32, 1e4, null, CPU);
        using var generator = new Generator(2);
        Tensor q = randn([1, 1, 2, 32], generator: generator), k = randn([1, 1, 2, 32], generator: generator);
        Tensor Product(long at) => (Rotary.Apply(q, rotary.At(at + 37, 1)) * Rotary.Apply(k, rotary.At(at, 1))).sum(-1);
        Near.Relative(Product(0), Product(20_000), 1e-4);
        Near.Relative(Product(0), Product(1_000_000), 1e-4);
    }

    [Fact]
    public void Query_scale_is_the_formula()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scale = QueryScales.Make(LogitsScaling.Hype(20.5), null, 100, 3, CPU);
        Assert.Equal(Math.Log(102 + 20.5) / Math.Log(20.5), scale[0, 2, 0, 0].item<float>(), 1e-6);
        Assert.Equal(1.5, QueryScales.Make(new LogitsScaling(null, 1.5), null, 0, 3, CPU).item<float>(), 1e-7);
    }
}
