using Halo.Conversion.Recipes;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>Weight transfer: what is copied, repeated, new.</summary>
public class TransferTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheStudentStartsFromTheTeachersWeights(bool compensate)
    {
        ModelConfiguration shape = Toy.Configuration with { NumAttentionHeads = 4, NumKeyValueHeads = 2 };
        using CausalLm teacher = CausalLm.Create(shape, CPU, ScalarType.Float32, 1);
        var specification = new StudentSpecification { CompensateGate = compensate };
        using CausalLm student = WeightTransfer.Transfer(teacher, WeightTransfer.Configuration(shape, specification, [1]), specification, ScalarType.Float32);
        Dictionary<string, Tensor> from = teacher.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        Dictionary<string, Tensor> to = student.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        foreach (int layer in Enumerable.Range(0, 3))
        {
            string at = $"model.layers.{layer}.self_attn.";
            Assert.True(Same(from[at + "q_proj.weight"], to[at + "q_proj.weight"]));
            Assert.True(Same(from[at + "q_norm.weight"], to[at + "q_norm.weight"]));
            Assert.True(Same(from[at + "o_proj.weight"] * (compensate ? 2 : 1), to[at + "o_proj.weight"]));
            Tensor key = from[at + "k_proj.weight"];
            Assert.Equal(layer == 1 ? 2 : 4, to[at + "k_proj.weight"].shape[0] / 8);
            foreach (int head in Enumerable.Range(0, layer == 1 ? 2 : 4))
            {
                // RNN head i starts from key/value head floor(i Hkv / H).
                int source = layer == 1 ? head : head * 2 / 4;
                Assert.True(Same(key.narrow(0, source * 8, 8), to[at + "k_proj.weight"].narrow(0, head * 8, 8)));
            }
        }

        string[] added = [.. to.Keys.Except(from.Keys)];
        Assert.Equal(3, added.Count(name => name.EndsWith("gate.weight", StringComparison.Ordinal) || name.EndsWith("z_proj.weight", StringComparison.Ordinal)));
        foreach (string name in added)
        {
            Tensor value = to[name];
            Assert.True(value.shape.Length == 1 ? Same(value, ones_like(value)) : value.abs().max().item<float>() is > 0 and < 0.2f, name);
        }
    }

    [Fact]
    public void BiasesComeAlongAndOnlyRnnLayersGetNewNorms()
    {
        ModelConfiguration shape = Toy.Configuration with
        {
            ModelType = "llama", NumAttentionHeads = 4, NumKeyValueHeads = 2, AttnUseQkNorm = false, AttentionBias = true, AttentionOutputBias = true, MlpBias = true,
            RopeScaling = new RopeScaling(2, 0) { Kind = RopeScalingKind.Linear },
        };
        using CausalLm teacher = CausalLm.Create(shape, CPU, ScalarType.Float32, 1);
        using (no_grad())
        {
            foreach (Parameter parameter in teacher.Parameters.Where(parameter => parameter.Name.EndsWith(".bias", StringComparison.Ordinal)))
            {
                parameter.Value.normal_();
            }
        }

        var specification = new StudentSpecification();
        ModelConfiguration configuration = ModelConfiguration.Parse(WeightTransfer.Configuration(shape, specification, [1]).ToJson());
        Assert.Equal(shape.RopeScaling, configuration.LightningRopeScaling);
        using CausalLm student = WeightTransfer.Transfer(teacher, configuration, specification, ScalarType.Float32);
        Dictionary<string, Tensor> from = teacher.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        Dictionary<string, Tensor> to = student.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        Assert.False(to.ContainsKey("model.layers.1.self_attn.q_norm.weight"));
        Assert.True(Same(to["model.layers.0.self_attn.q_norm.weight"], ones(8)));
        Assert.True(Same(from["model.layers.2.self_attn.q_proj.bias"], to["model.layers.2.self_attn.q_proj.bias"]));
        Assert.True(Same(from["model.layers.2.self_attn.o_proj.bias"], to["model.layers.2.self_attn.o_proj.bias"]));
        Assert.True(Same(from["model.layers.2.mlp.up_proj.bias"], to["model.layers.2.mlp.up_proj.bias"]));
        Assert.True(Same(from["model.layers.1.self_attn.v_proj.bias"], to["model.layers.1.self_attn.v_proj.bias"]));
        foreach (int head in Enumerable.Range(0, 4))
        {
            Assert.True(Same(from["model.layers.2.self_attn.v_proj.bias"].narrow(0, head / 2 * 8, 8), to["model.layers.2.self_attn.v_proj.bias"].narrow(0, head * 8, 8)));
        }
    }

    [Fact]
    public void TheTeacherIsNotChangedByTheStudent()
    {
        using CausalLm teacher = CausalLm.Create(Toy.Configuration, CPU, ScalarType.Float32, 1);
        using Tensor before = teacher.Parameters[0].Value.clone();
        var specification = new StudentSpecification();
        using CausalLm student = WeightTransfer.Transfer(teacher, WeightTransfer.Configuration(Toy.Configuration, specification, [1]), specification, ScalarType.Float32);
        using (no_grad())
        {
            student.Parameters[0].Value.add_(1);
        }

        Assert.True(Same(before, teacher.Parameters[0].Value));
    }

    private static bool Same(Tensor left, Tensor right) => left.shape.SequenceEqual(right.shape) && (left - right).abs().max().item<float>() == 0;
}
