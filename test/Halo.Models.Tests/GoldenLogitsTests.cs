using TorchSharp;

namespace Halo.Models.Tests;

public sealed class GoldenLogitsTests
{
    public static TheoryData<string> Names => [.. GoldenModel.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_equal_the_reference(string name)
    {
        using CausalLm model = GoldenModel.Load(name);
        VerificationResult result = ModelVerification.Compare(model, GoldenModel.Reference(name));
        Assert.Equal(60, result.Positions);
        Assert.InRange(result.LargestDifference, 0, 1e-4);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Bfloat16_computing_stays_near(string name)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        using CausalLm model = GoldenModel.Load(name);
        torch.Tensor ids = GoldenModel.Ids(2, 150);
        torch.Tensor expected = model.Logits(model.Hidden(ids));
        model.ComputeType = torch.ScalarType.BFloat16;
        torch.Tensor hidden = model.Hidden(ids);
        Assert.Equal(torch.ScalarType.BFloat16, hidden.dtype);
        double error = (model.Logits(hidden) - expected).norm().item<float>() / expected.norm().item<float>();
        Assert.InRange(error, 1e-4, 0.05);
    }

    [Fact]
    public void A_wrong_weight_is_seen()
    {
        using CausalLm model = GoldenModel.Load("hypenet");
        using (torch.no_grad())
        {
            model.Parameters.Single(parameter => parameter.Name == "model.layers.2.self_attn.o_norm.weight").Value.mul_(1.01);
        }

        Assert.True(ModelVerification.Compare(model, GoldenModel.Reference("hypenet")).LargestDifference > 1e-3);
    }

    [Fact]
    public void Published_2B_configuration_has_the_published_number_of_parameters()
    {
        int[] attention = [2, 3, 6, 8, 9, 21, 25];
        var configuration = new ModelConfiguration
        {
            ModelType = "hypenet",
            VocabSize = 151936,
            HiddenSize = 2048,
            IntermediateSize = 6144,
            NumHiddenLayers = 28,
            NumAttentionHeads = 16,
            NumKeyValueHeads = 8,
            HeadDim = 128,
            TieWordEmbeddings = true,
            MixerTypes = [.. Enumerable.Range(0, 28).Select(layer => attention.Contains(layer) ? MixerType.Attention : MixerType.Lightning)],
            AttnUseRope = false,
            AttnUseOutputGate = true,
            LightningNh = 16,
            LightningNkv = 16,
            LightningHeadDim = 128,
        };
        Assert.Equal(1_926_138_880, CausalLm.ParameterCount(configuration));
    }
}
