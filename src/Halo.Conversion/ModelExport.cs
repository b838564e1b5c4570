using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;

namespace Halo.Conversion;

/// <summary>Writes a complete Hugging Face folder: configuration, weights, tokenizer and generation files, and checks that it loads back.</summary>
public static class ModelExport
{
    private const string Templates = "additional_chat_templates";
    private const string GenerationFile = "generation_config.json";

    private static readonly string[] Companions =
    [
        "tokenizer.json", "tokenizer_config.json", GenerationFile, "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "vocab.json", "merges.txt", "LICENSE",
    ];

    /// <summary>Writes the folder; the configuration comes last, so that a folder with one is complete.</summary>
    /// <param name="model">The model.</param>
    /// <param name="scaling">Scaling of attention logits to write.</param>
    /// <param name="source">Folder whose tokenizer and generation files are copied; without a generation_config.json, one with its end token is written.</param>
    /// <param name="target">Folder to write.</param>
    /// <param name="export">Type and shards.</param>
    /// <exception cref="HaloException">The folder cannot be written, or does not load back.</exception>
    public static void Write(CausalLm model, LogitsScaling? scaling, string source, string target, ExportSpecification export)
    {
        Directory.CreateDirectory(target);
        File.Delete(Path.Combine(target, "config.json"));
        foreach (string name in Companions.Where(name => File.Exists(Path.Combine(source, name))))
        {
            Copy(Path.Combine(source, name), Path.Combine(target, name));
        }

        string templates = Path.Combine(source, Templates);
        foreach (string path in Directory.Exists(templates) ? Directory.EnumerateFiles(templates, "*.jinja") : [])
        {
            Directory.CreateDirectory(Path.Combine(target, Templates));
            Copy(path, Path.Combine(target, Templates, Path.GetFileName(path)));
        }

        if (!File.Exists(Path.Combine(source, GenerationFile)))
        {
            AtomicFile.WriteAllText(Path.Combine(target, GenerationFile), Generation(source).ToJsonString(HaloJson.Indented) + "\n");
        }

        model.SaveWeights(target, LibTorch.ParseType(export.Dtype), export.ShardBytes);
        var extra = (JsonObject)model.Configuration.Extra.DeepClone();
        extra.Remove("torch_dtype");
        extra["dtype"] = LibTorch.ParseType(export.Dtype).ToString().ToLowerInvariant();
        extra.Remove(PythonModel.AutoMapKey);
        if (model.Configuration.IsHypeNet)
        {
            PythonModel.Write(target);
            extra[PythonModel.AutoMapKey] = PythonModel.AutoMap();
        }

        ModelConfiguration configuration = model.Configuration with { AttnLogitsScaling = scaling, Extra = extra };
        using (WeightFolder weights = WeightFolder.Open(target))
        {
            WeightCheck.Verify(CausalLm.Shapes(ModelConfiguration.Parse(configuration.ToJson())), weights);
        }

        configuration.Save(target);
    }

    private static void Copy(string source, string target)
    {
        byte[] content = File.ReadAllBytes(source);
        AtomicFile.Write(target, stream => stream.Write(content));
    }

    private static JsonObject Generation(string source)
    {
        ITokenizer tokenizer = HuggingFaceTokenizer.Load(source);
        var json = new JsonObject();
        foreach ((string key, int? id) in new[] { ("bos_token_id", tokenizer.BosId), ("eos_token_id", tokenizer.EosId) })
        {
            if (id is not null)
            {
                json[key] = id;
            }
        }

        return json;
    }
}
