using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class FolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-models-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("hypenet-scaled")]
    [InlineData("qwen3-untied")]
    [InlineData("qwen3-yarn")]
    public void A_saved_model_loads_back_the_same(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = GoldenModel.Load(name);
        model.Save(_folder, ScalarType.Float32, 100_000);
        Assert.True(Directory.GetFiles(_folder, "*.safetensors").Length > 1);
        using CausalLm again = CausalLm.Load(_folder, CPU, ScalarType.Float32);
        Tensor ids = GoldenModel.Ids(2, 30);
        Near.Relative(model.Logits(model.Hidden(ids)), again.Logits(again.Hidden(ids)), 0);
        Assert.Equal(model.Parameters.Select(parameter => parameter.Name), again.Parameters.Select(parameter => parameter.Name));
    }

    [Fact]
    public void Weights_that_are_not_finite_are_named()
    {
        using (CausalLm model = GoldenModel.Load("hypenet"))
        {
            using IDisposable constant = no_grad();
            model.Parameters[5].Value[0, 0] = tensor(float.NaN);
            model.Save(_folder, ScalarType.Float32);
        }

        HaloException error = Assert.Throws<HaloException>(() => CausalLm.Load(_folder, CPU, ScalarType.Float32));
        Assert.Contains("not finite", error.Message, StringComparison.Ordinal);
        Assert.Contains("model.layers.0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_another_model_are_refused()
    {
        using (CausalLm model = GoldenModel.Load("hypenet"))
        {
            model.Save(_folder, ScalarType.Float32);
        }

        HaloException error = Assert.Throws<HaloException>(() => CausalLm.Load(_folder, ModelConfiguration.Load(GoldenModel.Folder("qwen3-untied")), CPU, ScalarType.Float32));
        Assert.Contains("z_proj", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_model_is_a_function_of_its_seed()
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfiguration configuration = ModelConfiguration.Load(GoldenModel.Folder("hypenet"));
        using CausalLm one = CausalLm.Create(configuration, CPU, ScalarType.Float32, 5), same = CausalLm.Create(configuration, CPU, ScalarType.Float32, 5);
        using CausalLm other = CausalLm.Create(configuration, CPU, ScalarType.Float32, 6);
        Tensor ids = GoldenModel.Ids(1, 10);
        Near.Relative(one.Hidden(ids), same.Hidden(ids), 0);
        Assert.True((one.Hidden(ids) - other.Hidden(ids)).abs().max().item<float>() > 1e-3);
        Parameter matrix = one.Parameters.Single(parameter => parameter.Name.EndsWith("0.mlp.up_proj.weight", StringComparison.Ordinal));
        Assert.Equal(0.02, matrix.Value.std().item<float>(), 0.002);
        Assert.Equal(1, one.Parameters.Single(parameter => parameter.Name == "model.norm.weight").Value.min().item<float>());
    }

    [Fact]
    public void A_reference_of_another_vocabulary_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = GoldenModel.Load("hypenet");
        string path = Path.Combine(_folder, "reference.safetensors");
        SafetensorsWriter.Write(path, [("input_ids", zeros([1, 4], ScalarType.Int64)), ("logits", zeros([1, 4, 99]))]);
        Assert.Throws<HaloException>(() => ModelVerification.Compare(model, path));
    }

    [Fact]
    public void A_reference_with_all_positions_is_compared_whole()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(2, 140);
        Tensor logits = model.Logits(model.Hidden(ids)).detach().clone();
        logits[1, 139, 7] += 0.5;
        string path = Path.Combine(_folder, "reference.safetensors");
        SafetensorsWriter.Write(path, [("input_ids", ids), ("logits", logits)]);
        VerificationResult result = ModelVerification.Compare(model, path);
        Assert.Equal(280, result.Positions);
        Assert.Equal(0.5, result.LargestDifference, 1e-4);
    }
}
