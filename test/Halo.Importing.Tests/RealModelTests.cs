using System.Text.Json.Nodes;
using Halo.Inference;
using Halo.Models;
using Halo.Tensors;
using Halo.Testing;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Importing.Tests;

/// <summary>SmolLM2-135M-Instruct (GGUF) and stories260K (llama2.c), imported: equal to what transformers made of the same file.</summary>
public sealed class RealModelTests
{
    private const string SmolLm = "smollm2-135m-instruct";

    // A tie of the recorded logits within this may fall either way.
    private const double Excusable = 0.01;

    [Fact]
    public void TheConfigurationIsTheModelsOwn()
    {
        ModelConfiguration configuration = ModelConfiguration.Load(RealModel.Folder(SmolLm));
        Assert.Equal(("llama", 49152, 576, 1536, 30), (configuration.ModelType, configuration.VocabSize, configuration.HiddenSize, configuration.IntermediateSize, configuration.NumHiddenLayers));
        Assert.Equal((9, 3, 64, 8192), (configuration.NumAttentionHeads, configuration.NumKeyValueHeads, configuration.HeadDim, configuration.MaxPositionEmbeddings));
        Assert.Equal((1e-5, 1e5, true, false), (configuration.RmsNormEps, configuration.RopeTheta, configuration.TieWordEmbeddings, configuration.AttentionBias));
        Assert.Null(configuration.RopeScaling);
        Assert.Equal((1, 2, 2), (Extra("bos_token_id"), Extra("eos_token_id"), Extra("pad_token_id")));
        int Extra(string key) => configuration.Extra[key]!.GetValue<int>();
    }

    [Fact]
    public void TheTensorsAreTheReferences()
    {
        using WeightFolder weights = WeightFolder.Open(RealModel.Folder(SmolLm));
        JsonArray expected = JsonNode.Parse(File.ReadAllText(Golden.Path("models/smollm2-135m/tensors.json")))!.AsArray();
        Assert.Equal(272, expected.Count);
        Assert.Equal(expected.Select(entry => entry!["name"]!.GetValue<string>()).Order(), weights.Entries.Keys.Order());
        foreach (JsonNode? entry in expected)
        {
            using var scope = NewDisposeScope();
            Tensor actual = weights.Read(entry!["name"]!.GetValue<string>());
            Assert.Equal(Numbers(entry["shape"]!), actual.shape.Select(size => (double)size));
            Assert.Equal(ScalarType.Float32, actual.dtype);
            Tensor flat = actual.reshape(-1).to(ScalarType.Float64);
            double absolute = entry["sum_abs"]!.GetValue<double>();
            Assert.Equal(absolute, flat.abs().sum().item<double>(), 1e-9 * absolute);
            Assert.Equal(entry["sum"]!.GetValue<double>(), flat.sum().item<double>(), 1e-9 * absolute);
            Assert.Equal(Numbers(entry["first"]!), flat[..4].data<double>());
            Assert.Equal(Numbers(entry["last"]!), flat[^4..].data<double>());
        }
    }

    [Fact]
    public void TheLogitsAreTheReferences()
    {
        using CausalLm model = CausalLm.Load(RealModel.Folder(SmolLm), CPU, ScalarType.Float32);
        using SafetensorsFile golden = SafetensorsFile.Open(Golden.Path("models/smollm2-135m/golden.safetensors"));
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            Tensor logits = model.Logits(model.Hidden(golden.Read("input_ids", ScalarType.Int64)));
            Near.Relative(golden.Read("logsumexp"), logits.logsumexp(-1), 1e-5);
            Near.Relative(golden.Read("top_logits"), logits.gather(-1, golden.Read("top_ids", ScalarType.Int64)), 1e-5);
        }
    }

    [Fact]
    public void GreedyTextIsTheReferences()
    {
        string folder = RealModel.Folder(SmolLm);
        using CausalLm model = CausalLm.Load(folder, CPU, ScalarType.Float32);
        ITokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
        JsonNode[] records = [.. JsonNode.Parse(File.ReadAllText(Golden.Path("models/smollm2-135m/greedy.json")))!.AsArray().Select(record => record!)];
        int[][] prompts = [.. records.Select(record => tokenizer.Encode(record["prompt"]!.GetValue<string>()))];
        Assert.Equal(records.Select(record => Ids(record["ids"]!)), prompts);
        int[][] expected = [.. records.Select(record => Ids(record["greedy"]!))];
        int[][] actual = new Halo.Inference.Generator(model).Generate(prompts, new GenerationOptions { MaxTokens = expected.Max(ids => ids.Length) });
        for (int row = 0; row < records.Length; row++)
        {
            int same = expected[row].Zip(actual[row]).TakeWhile(pair => pair.First == pair.Second).Count();
            Assert.True(same == expected[row].Length || Numbers(records[row]["gap_to_second"]!)[same] < Excusable, $"'{tokenizer.Decode(actual[row])}' leaves the reference at token {same}");
        }
    }

    [Fact]
    public void TheFilesOwnTokenizerIsTheReferences()
    {
        _ = RealModel.Folder(SmolLm);
        string[] files = Directory.GetFiles(Path.Combine(Golden.RealModels!, SmolLm), "*.gguf");
        Assert.SkipWhen(files.Length == 0, "the model does not lie there as a GGUF file");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("halo-own-tokenizer-");
        using (GgufFile file = GgufFile.Open(files[0]))
        {
            foreach ((string name, JsonObject json) in GgufTokenizer.Make(file))
            {
                File.WriteAllText(Path.Combine(folder.FullName, name), json.ToJsonString());
            }
        }

        ITokenizer tokenizer = HuggingFaceTokenizer.Load(folder.FullName);
        folder.Delete(true);
        foreach (JsonNode record in Golden.Lines("tokenizer/smollm2.jsonl").Select(line => JsonNode.Parse(line)!))
        {
            Assert.Equal(Ids(record["ids"]!), tokenizer.Encode(record["text"]!.GetValue<string>()));
        }
    }

    [Fact]
    public void Stories260KTellsOfLily()
    {
        string folder = RealModel.Folder("stories260K");
        using CausalLm model = CausalLm.Load(folder, CPU, ScalarType.Float32);
        ITokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
        int[] ids = new Halo.Inference.Generator(model).Generate([[tokenizer.BosId!.Value]], new GenerationOptions { MaxTokens = 30 })[0];
        Assert.StartsWith("Once upon a time, there was a little girl named Lily.", tokenizer.Decode(ids), StringComparison.Ordinal);
    }

    private static int[] Ids(JsonNode list) => [.. Numbers(list).Select(id => (int)id)];

    private static double[] Numbers(JsonNode list) => [.. list.AsArray().Select(value => value!.GetValue<double>())];
}
