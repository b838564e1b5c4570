using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

/// <summary>Models of a few thousand weights.</summary>
internal static class Models
{
    public const int Vocabulary = 61;

    public static ModelConfiguration Configuration(bool hybrid, bool tied = true) => new()
    {
        ModelType = hybrid ? "hypenet" : "qwen3",
        VocabSize = Vocabulary,
        HiddenSize = 16,
        IntermediateSize = 24,
        NumHiddenLayers = 3,
        NumAttentionHeads = 2,
        NumKeyValueHeads = 1,
        HeadDim = 8,
        TieWordEmbeddings = tied,
        RopeTheta = 1e4,
        MixerTypes = hybrid ? [MixerType.Lightning, MixerType.Attention, MixerType.Lightning] : [MixerType.Attention, MixerType.Attention, MixerType.Attention],
        AttnUseRope = !hybrid,
        AttnUseOutputGate = hybrid,
        LightningNh = 2,
        LightningNkv = 2,
        LightningHeadDim = 8,
    };

    /// <summary>Weights are made larger than an untrained model's, so that gradients are far from rounding.</summary>
    public static CausalLm Create(bool hybrid, long seed, bool tied = true, ScalarType type = ScalarType.Float32, bool lightningOnly = false)
    {
        ModelConfiguration configuration = Configuration(hybrid, tied);
        if (lightningOnly)
        {
            configuration = configuration with { MixerTypes = [MixerType.Lightning, MixerType.Lightning, MixerType.Lightning] };
        }

        CausalLm model = CausalLm.Create(configuration, CPU, type, seed);
        using IDisposable noGradient = no_grad();
        foreach (Parameter parameter in model.Parameters.Where(parameter => parameter.Shape.Count == 2))
        {
            parameter.Value.mul_(10);
        }

        return model;
    }
}
