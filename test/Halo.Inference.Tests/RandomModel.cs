using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Small models with random weights whose heads are as large as the GPU's kernels want them.</summary>
internal static class RandomModel
{
    public const int Vocabulary = 503;

    private static readonly Dictionary<string, ModelConfiguration> Configurations = new()
    {
        ["hybrid"] = Base with
        {
            ModelType = "hypenet", MixerTypes = [MixerType.Lightning, MixerType.Attention, MixerType.Lightning, MixerType.Attention],
            AttnUseRope = false, AttnUseOutputGate = true, AttnLogitsScaling = LogitsScaling.Hype(6324.56), LightningNh = 4, LightningNkv = 4, LightningHeadDim = 64, TieWordEmbeddings = true,
        },
        ["hybrid, wide heads"] = Base with
        {
            ModelType = "hypenet", MixerTypes = [MixerType.Attention, MixerType.Lightning, MixerType.Lightning], NumHiddenLayers = 3, HiddenSize = 256, IntermediateSize = 448,
            NumAttentionHeads = 8, NumKeyValueHeads = 1, HeadDim = 128, AttnUseRope = false, AttnLogitsScaling = LogitsScaling.Hype(362),
            LightningNh = 6, LightningNkv = 2, LightningHeadDim = 64, LightningScale = "1/d", LightningUseOutputGate = false, LightningUseQkNorm = false,
        },
        ["hybrid, 512 wide"] = Base with
        {
            ModelType = "hypenet", MixerTypes = [MixerType.Lightning, MixerType.Attention, MixerType.Lightning], NumHiddenLayers = 3, HiddenSize = 512, IntermediateSize = 2560,
            NumAttentionHeads = 8, AttnUseRope = false, AttnUseOutputGate = true, LightningNh = 4, LightningNkv = 4, LightningHeadDim = 128,
        },
        ["hybrid, one kernel"] = Base with
        {
            ModelType = "hypenet", MixerTypes = [MixerType.Lightning, MixerType.Attention, MixerType.Lightning], NumHiddenLayers = 3, VocabSize = 504, HiddenSize = 512, IntermediateSize = 2560,
            HeadDim = 128, AttnUseRope = false, AttnUseOutputGate = true, AttnLogitsScaling = LogitsScaling.Hype(362), LightningNh = 4, LightningNkv = 2, LightningHeadDim = 128,
        },
        ["lightning"] = Base with
        {
            ModelType = "hypenet", MixerTypes = [MixerType.Lightning, MixerType.Lightning], NumHiddenLayers = 2, LightningNh = 2, LightningNkv = 2, LightningHeadDim = 128,
            LightningUseOutputNorm = false, LightningRopeScaling = new RopeScaling(4, 512),
        },
        ["teacher"] = Base with { TieWordEmbeddings = true },
        ["teacher, one kernel"] = Base with
        {
            ModelType = "llama", VocabSize = 504, HiddenSize = 512, IntermediateSize = 768, NumAttentionHeads = 8, HeadDim = 128, AttentionBias = true, AttentionOutputBias = true, MlpBias = true,
            AttnUseQkNorm = false, TieWordEmbeddings = true,
        },
        ["teacher, biases"] = Base with { ModelType = "llama", AttentionBias = true, AttentionOutputBias = true, MlpBias = true, AttnUseQkNorm = false, NumKeyValueHeads = 4, RopeScaling = new RopeScaling(4, 512) },
    };

    public static IReadOnlyCollection<string> Names => Configurations.Keys;

    private static ModelConfiguration Base => new()
    {
        VocabSize = Vocabulary, HiddenSize = 192, IntermediateSize = 512, NumHiddenLayers = 4, NumAttentionHeads = 4, NumKeyValueHeads = 2, HeadDim = 64, RopeTheta = 10000,
        MaxPositionEmbeddings = 2048, MixerTypes = [.. Enumerable.Repeat(MixerType.Attention, 4)],
    };

    /// <summary>Weights are larger than those of a new model, so that what was read long ago decides as well; norms and biases are random.</summary>
    public static CausalLm Create(string name, Device device, ScalarType type = ScalarType.Float32)
    {
        CausalLm model = CausalLm.Create(Configurations[name], device, ScalarType.Float32, 5);
        using IDisposable constant = no_grad();
        using var generator = new TorchSharp.torch.Generator(6);
        foreach (Halo.Models.Parameter parameter in model.Parameters)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor value = parameter.Value.cpu();
            value = parameter.Shape.Count > 1 ? value * (parameter.Name.Contains("embed", StringComparison.Ordinal) ? 50 : 4)
                : parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? value.normal_(0, 0.3, generator)
                : value.uniform_(0.5, 1.5, generator);
            Tensor before = parameter.Value;
            parameter.Value = value.to_type(type).to(device, copy: true).DetachFromDisposeScope();
            before.Dispose();
        }

        model.ComputeType = type;
        return model;
    }

    /// <summary>The same values, which bfloat16 has, in a model that computes in float32.</summary>
    public static CausalLm CreateExact(string name, CausalLm rounded)
    {
        CausalLm exact = Create(name, rounded.Device);
        using IDisposable constant = no_grad();
        foreach ((Halo.Models.Parameter to, Halo.Models.Parameter from) in exact.Parameters.Zip(rounded.Parameters))
        {
            to.Value.copy_(from.Value);
        }

        return exact;
    }

    public static int[] Ids(int length, int seed) => TinyModel.Ids(length, seed, Vocabulary);
}
