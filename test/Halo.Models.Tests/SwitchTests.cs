using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class SwitchTests
{
    private static readonly ModelConfiguration Hybrid = ModelConfiguration.Load(GoldenModel.Folder("hypenet"));

    [Fact]
    public void Fewer_key_heads_serve_neighbouring_query_heads()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm few = CausalLm.Create(Hybrid with { LightningNkv = 2 }, CPU, ScalarType.Float32, 1);
        using CausalLm all = CausalLm.Create(Hybrid, CPU, ScalarType.Float32, 2);
        foreach ((Parameter source, Parameter target) in few.Parameters.Zip(all.Parameters))
        {
            bool repeated = !source.Shape.SequenceEqual(target.Shape);
            Assert.Equal(repeated, (source.Name.Contains("layers.0.") || source.Name.Contains("layers.2.")) && (source.Name.Contains("k_proj") || source.Name.Contains("v_proj")));

            // Head h of four reads head floor(h 2 / 4): 0, 0, 1, 1.
            Tensor value = repeated ? source.Value.view(2, 16, 64).index_select(0, tensor([0L, 0, 1, 1])).reshape(64, 64) : source.Value;
            target.Value.copy_(value);
        }

        Tensor ids = GoldenModel.Ids(2, 50);
        Near.Relative(all.Hidden(ids), few.Hidden(ids), 1e-5);
    }

    public static TheoryData<string, string[]> Switches => new()
    {
        { "lightning_use_qk_norm", ["layers.0.self_attn.q_norm", "layers.0.self_attn.k_norm"] },
        { "lightning_use_output_norm", ["layers.0.self_attn.o_norm"] },
        { "lightning_use_output_gate", ["layers.0.self_attn.z_proj"] },
        { "lightning_use_rope", [] },
        { "attn_use_qk_norm", ["layers.1.self_attn.q_norm", "layers.1.self_attn.k_norm"] },
        { "attn_use_output_gate", ["layers.1.self_attn.o_gate"] },
    };

    [Theory]
    [MemberData(nameof(Switches))]
    public void A_switch_takes_its_weights_away_and_changes_the_output(string key, string[] weights)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        System.Text.Json.Nodes.JsonObject json = Hybrid.ToJson();
        json[key] = false;
        ModelConfiguration without = ModelConfiguration.Parse(json);
        string[] gone = [.. CausalLm.Shapes(Hybrid).Keys.Except(CausalLm.Shapes(without).Keys)];
        Assert.Equal(weights.Length * 2, gone.Length);
        Assert.All(weights, weight => Assert.Contains($"model.{weight}.weight", gone));
        Assert.Empty(CausalLm.Shapes(without).Keys.Except(CausalLm.Shapes(Hybrid).Keys));

        using CausalLm model = GoldenModel.Load("hypenet");
        using CausalLm other = CausalLm.Create(without, CPU, ScalarType.Float32, 1);
        foreach (Parameter parameter in other.Parameters)
        {
            parameter.Value.copy_(model.Parameters.Single(one => one.Name == parameter.Name).Value);
        }

        Tensor ids = GoldenModel.Ids(2, 50);
        Tensor hidden = other.Hidden(ids);
        Assert.True((hidden - model.Hidden(ids)).abs().max().item<float>() > 1e-3);
        using HybridCache cache = HybridCache.Create(other, 2);
        Near.Relative(hidden, Run.Blocks(other, ids, cache, 20, 1, 29), 2e-5);
    }

    [Theory]
    [InlineData("1", 1.0)]
    [InlineData("1/d", 1.0 / 16)]
    [InlineData("1/sqrt(d)", 0.25)]
    public void Without_output_norm_the_scale_is_a_factor_of_the_mixer(string name, double value)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        ModelConfiguration plain = Hybrid with { LightningUseOutputNorm = false, LightningScale = "1" };
        using CausalLm unit = CausalLm.Create(plain, CPU, ScalarType.Float32, 1);
        using CausalLm scaled = CausalLm.Create(plain with { LightningScale = name }, CPU, ScalarType.Float32, 1);
        Tensor ids = GoldenModel.Ids(1, 30);
        Tensor x = unit.Layers[0].InputNorm(unit.Embed(ids));
        Near.Relative(unit.Layers[0].Mixer.Forward(x, unit.Context(ids)) * value, scaled.Layers[0].Mixer.Forward(x, scaled.Context(ids)), 1e-5);
    }

    [Fact]
    public void Scaling_of_logits_may_be_changed_on_a_loaded_model()
    {
        using CausalLm model = GoldenModel.Load("hypenet-scaled");
        model.LogitsScaling = null;
        Assert.True(ModelVerification.Compare(model, GoldenModel.Reference("hypenet-scaled")).LargestDifference > 1e-3);
        model.LogitsScaling = LogitsScaling.Hype(20);
        Assert.InRange(ModelVerification.Compare(model, GoldenModel.Reference("hypenet-scaled")).LargestDifference, 0, 1e-4);
    }
}
