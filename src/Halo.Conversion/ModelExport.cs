using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Conversion;

/// <summary>Writes a complete Hugging Face folder: configuration, weights, tokenizer and generation files, and checks that it loads back.</summary>
public static class ModelExport
{
    private static readonly string[] Companions =
    [
        "tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "vocab.json", "merges.txt", "LICENSE",
    ];

    /// <summary>Writes the folder; the configuration comes last, so that a folder with one is complete.</summary>
    /// <param name="model">The model.</param>
    /// <param name="scaling">Scaling of attention logits to write.</param>
    /// <param name="source">Folder whose tokenizer and generation files are copied.</param>
    /// <param name="target">Folder to write.</param>
    /// <param name="export">Type and shards.</param>
    /// <exception cref="HaloException">The folder cannot be written, or does not load back.</exception>
    public static void Write(CausalLm model, LogitsScaling? scaling, string source, string target, ExportSpecification export)
    {
        Directory.CreateDirectory(target);
        File.Delete(Path.Combine(target, "config.json"));
        foreach (string name in Companions.Where(name => File.Exists(Path.Combine(source, name))))
        {
            byte[] content = File.ReadAllBytes(Path.Combine(source, name));
            AtomicFile.Write(Path.Combine(target, name), stream => stream.Write(content));
        }

        model.SaveWeights(target, LibTorch.ParseType(export.Dtype), export.ShardBytes);
        var extra = (System.Text.Json.Nodes.JsonObject)model.Configuration.Extra.DeepClone();
        extra.Remove("torch_dtype");
        extra["dtype"] = LibTorch.ParseType(export.Dtype).ToString().ToLowerInvariant();
        ModelConfiguration configuration = model.Configuration with { AttnLogitsScaling = scaling, Extra = extra };
        using (WeightFolder weights = WeightFolder.Open(target))
        {
            WeightCheck.Verify(CausalLm.Shapes(ModelConfiguration.Parse(configuration.ToJson())), weights);
        }

        configuration.Save(target);
    }
}
