using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;

namespace Halo.Conversion.Measurement;

/// <summary>A teacher's shape and that of the student made of it: a quarter of the layers, evenly spaced, stays attention.</summary>
/// <param name="Name">For tables.</param>
/// <param name="Teacher">The teacher.</param>
/// <param name="Student">The student.</param>
internal sealed record TrainingShape(string Name, ModelConfiguration Teacher, ModelConfiguration Student)
{
    private static readonly Dictionary<string, (int Vocabulary, int Hidden, int Ffn, int Layers, int Heads, int KeyHeads, int Size, double Theta)> Known = new()
    {
        ["nano"] = (8192, 192, 512, 16, 4, 2, 64, 1e4),
        ["qwen3-0.6b"] = (151936, 1024, 3072, 28, 16, 8, 128, 1e6),
        ["qwen3-1.7b"] = (151936, 2048, 6144, 28, 16, 8, 128, 1e6),
    };

    /// <summary>Names that are known.</summary>
    public static IEnumerable<string> Names => Known.Keys;

    /// <summary>A shape by its name, or of a folder's config.json.</summary>
    /// <exception cref="HaloException">Neither, or the folder holds a HypeNet.</exception>
    public static TrainingShape Of(string name)
    {
        ModelConfiguration teacher = Known.ContainsKey(name) ? Make(name) : Directory.Exists(name)
            ? ModelConfiguration.Load(name)
            : throw new HaloException($"'{name}' is no known shape and no folder", "--model", $"give {string.Join(", ", Known.Keys)} or a folder with config.json");
        if (teacher.IsHypeNet)
        {
            throw new HaloException("the model is a HypeNet; training is measured from its teacher on", name, "give the Transformer that it was made of");
        }

        int layers = teacher.NumHiddenLayers, kept = Math.Max(1, layers / 4);
        return new TrainingShape(
            Known.ContainsKey(name) ? name : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(name))), teacher,
            WeightTransfer.Configuration(teacher, new StudentSpecification(), [.. Enumerable.Range(0, kept).Select(i => ((i + 1) * layers / kept) - 1)]));
    }

    private static ModelConfiguration Make(string name)
    {
        var (vocabulary, hidden, ffn, layers, heads, keyHeads, size, theta) = Known[name];
        return ModelConfiguration.Parse(
            new JsonObject
            {
                ["model_type"] = "qwen3", ["vocab_size"] = vocabulary, ["hidden_size"] = hidden, ["intermediate_size"] = ffn, ["num_hidden_layers"] = layers, ["num_attention_heads"] = heads,
                ["num_key_value_heads"] = keyHeads, ["head_dim"] = size, ["rope_theta"] = theta, ["rms_norm_eps"] = 1e-6, ["tie_word_embeddings"] = true, ["max_position_embeddings"] = 40960,
            },
            name);
    }
}
