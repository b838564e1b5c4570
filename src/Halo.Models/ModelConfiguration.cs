using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models;

/// <summary>
/// config.json of a Llama, Qwen2, Qwen3 or HypeNet model. Property names follow the keys of the file (Hugging Face names; HypeNet's own keys as the
/// authors' checkpoints have them). Keys that Halo does not know are kept in <see cref="Extra"/> and written back.
/// </summary>
public sealed record ModelConfiguration
{
    /// <summary><c>llama</c>, <c>qwen2</c>, <c>qwen3</c> or <c>hypenet</c>.</summary>
    public string ModelType { get; init; } = "qwen3";

    /// <summary>V, entries of the embedding.</summary>
    public required int VocabSize { get; init; }

    /// <summary>d, width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>H, query heads of an attention layer.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Hkv, key/value heads of an attention layer.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>D, head dimension of an attention layer.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Epsilon of every RMSNorm.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 1e6;

    /// <summary>Scaling of the rotary frequencies of attention layers; null for none.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Length the model was made for, tokens.</summary>
    public int MaxPositionEmbeddings { get; init; } = 40960;

    /// <summary>Whether the head is the embedding matrix.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Biases on q, k and v, of attention and Lightning layers alike.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Bias on Wo; in Llama and Qwen3 it comes with <see cref="AttentionBias"/>, HypeNet has an own key for it.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Biases in the MLP.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Mixer of each layer.</summary>
    public required IReadOnlyList<MixerType> MixerTypes { get; init; }

    /// <summary>RoPE in attention layers (teachers: true; HyPE: false).</summary>
    public bool AttnUseRope { get; init; } = true;

    /// <summary>Sigmoid output gate in attention layers (weight o_gate).</summary>
    public bool AttnUseOutputGate { get; init; }

    /// <summary>QK-norm in attention layers; own key, for teachers without it.</summary>
    public bool AttnUseQkNorm { get; init; } = true;

    /// <summary>Scaling of attention queries by position at inference.</summary>
    public LogitsScaling? AttnLogitsScaling { get; init; }

    /// <summary>Whether Lightning layers were given one key/value head for each query head (GQA to MHA).</summary>
    public bool ExpandKvProj { get; init; } = true;

    /// <summary>Query heads of a Lightning layer.</summary>
    public int LightningNh { get; init; }

    /// <summary>Key/value heads of a Lightning layer.</summary>
    public int LightningNkv { get; init; }

    /// <summary>Head dimension of a Lightning layer.</summary>
    public int LightningHeadDim { get; init; }

    /// <summary><c>1/sqrt(d)</c>, <c>1/d</c> or <c>1</c>.</summary>
    public string LightningScale { get; init; } = "1/sqrt(d)";

    /// <summary>QK-norm in Lightning layers.</summary>
    public bool LightningUseQkNorm { get; init; } = true;

    /// <summary>RoPE in Lightning layers.</summary>
    public bool LightningUseRope { get; init; } = true;

    /// <summary>Scaling of the rotary frequencies of Lightning layers; null for none.</summary>
    public RopeScaling? LightningRopeScaling { get; init; }

    /// <summary>One RMSNorm over all heads together (weight o_norm).</summary>
    public bool LightningUseOutputNorm { get; init; } = true;

    /// <summary>Sigmoid output gate in Lightning layers (weight z_proj).</summary>
    public bool LightningUseOutputGate { get; init; } = true;

    /// <summary>Keys that Halo does not know, in their order.</summary>
    public JsonObject Extra { get; init; } = [];

    /// <summary>Whether this is a hybrid.</summary>
    public bool IsHypeNet => ModelType == "hypenet";

    /// <summary>c of Lightning attention (spec of <see cref="LightningScale"/>).</summary>
    public double LightningScaleValue => LightningScale switch
    {
        "1/sqrt(d)" => 1 / Math.Sqrt(LightningHeadDim),
        "1/d" => 1.0 / LightningHeadDim,
        _ => 1,
    };

    /// <summary>Indexes of the attention layers.</summary>
    public IEnumerable<int> AttentionLayers => Enumerable.Range(0, NumHiddenLayers).Where(layer => MixerTypes[layer] == MixerType.Attention);

    /// <summary>Reads config.json of a model folder.</summary>
    /// <exception cref="HaloException">It is missing, broken, or asks for something that Halo does not support.</exception>
    public static ModelConfiguration Load(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        return Parse(JsonFile.ReadObject(path, "give a Hugging Face model folder"), path);
    }

    /// <summary>Reads the keys of a config.json.</summary>
    /// <param name="json">The object.</param>
    /// <param name="where">The file's name, for errors.</param>
    /// <exception cref="HaloException">A key is missing, impossible or unsupported.</exception>
    public static ModelConfiguration Parse(JsonObject json, string where = "config.json") => new ConfigurationReader(json, where).Read();

    /// <summary>The object for config.json.</summary>
    public JsonObject ToJson() => ConfigurationWriter.Write(this);

    /// <summary>Writes config.json into a model folder.</summary>
    public void Save(string folder) => AtomicFile.WriteAllText(Path.Combine(folder, "config.json"), ToJson().ToJsonString(HaloJson.Indented) + "\n");

    /// <summary>The same model read with YaRN at <paramref name="factor"/> times its own length.</summary>
    /// <exception cref="HaloException">Its frequencies are scaled in another way already.</exception>
    public ModelConfiguration WithYarn(double factor) => RopeScaling is { Kind: not RopeScalingKind.Yarn } other
        ? throw new HaloException($"YaRN cannot be put over {other.Kind.ToString().ToLowerInvariant()} scaling of the rotary frequencies", "--yarn", "measure the model as it is")
        : this with { RopeScaling = new RopeScaling(factor, RopeScaling?.OriginalLength ?? MaxPositionEmbeddings) };
}
