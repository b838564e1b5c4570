using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Models;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>The exported folder.</summary>
public class ModelExportTests
{
    [Fact]
    public void ShardsLoadBackToTheSameLogits()
    {
        using var toy = new Toy();
        using CausalLm model = CausalLm.Load(toy.Teacher, CPU, ScalarType.Float32);
        string folder = Path.Combine(toy.Root, "exported");
        Directory.CreateDirectory(Path.Combine(toy.Teacher, "additional_chat_templates"));
        File.WriteAllText(Path.Combine(toy.Teacher, "additional_chat_templates", "tool_use.jinja"), "{{ tools }}");
        ModelExport.Write(model, null, toy.Teacher, folder, new ExportSpecification { Dtype = "float32", ShardBytes = 200_000 });
        Assert.True(File.Exists(Path.Combine(folder, "model.safetensors.index.json")));
        Assert.True(Directory.GetFiles(folder, "*.safetensors").Length > 1);
        foreach (string name in new[] { "tokenizer.json", "tokenizer_config.json", "additional_chat_templates/tool_use.jinja" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(toy.Teacher, name)), File.ReadAllBytes(Path.Combine(folder, name)));
        }

        Assert.Empty(Directory.GetFiles(folder, "*.py"));
        Assert.Equal(HuggingFaceTokenizer.Load(folder).EosId, JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "generation_config.json")))!["eos_token_id"]!.GetValue<int>());
        using CausalLm again = CausalLm.Load(folder, CPU, ScalarType.Float32);
        using Tensor ids = tensor(new long[] { 5, 17, 300, 4 }).unsqueeze(0);
        Assert.True(Same(model.Logits(model.Hidden(ids)), again.Logits(again.Hidden(ids))));
    }

    [Fact]
    public void ScalingAndTypeStandInTheConfiguration()
    {
        using var toy = new Toy();
        using CausalLm teacher = CausalLm.Load(toy.Teacher, CPU, ScalarType.Float32);
        var specification = new StudentSpecification();
        using CausalLm student = WeightTransfer.Transfer(teacher, WeightTransfer.Configuration(teacher.Configuration, specification, [0]), specification, ScalarType.Float32);
        string folder = Path.Combine(toy.Root, "exported");
        ModelExport.Write(student, LogitsScaling.Hype(123.5), toy.Teacher, folder, new ExportSpecification());
        ModelConfiguration configuration = ModelConfiguration.Load(folder);
        Assert.Equal(123.5, configuration.AttnLogitsScaling!.Base);
        Assert.Equal("bfloat16", configuration.Extra["dtype"]!.ToString());
        Assert.Equal([MixerType.Attention, MixerType.Lightning, MixerType.Lightning], configuration.MixerTypes);
        Assert.True(JsonNode.DeepEquals(PythonModel.AutoMap(), configuration.Extra[PythonModel.AutoMapKey]));
        Assert.True(File.Exists(Path.Combine(folder, "modeling_hypenet.py")));
    }

    private static bool Same(Tensor left, Tensor right) => left.shape.SequenceEqual(right.shape) && (left - right).abs().max().item<float>() == 0;
}
