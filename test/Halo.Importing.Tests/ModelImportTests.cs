using Halo.Core;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Importing.Tests;

public sealed class ModelImportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-import-").FullName;

    private string Out => Path.Combine(_folder, "out");

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("llama", true)]
    [InlineData("qwen2", false)]
    [InlineData("qwen3", false)]
    public void RowsOfQAndKAreTakenApartForLlamaOnly(string architecture, bool interleaved)
    {
        ModelImport.Run(Write("model.gguf", TinyModel.Gguf(architecture)), Out);
        CheckRows(interleaved);
        Assert.Equal(architecture, ModelConfiguration.Load(Out).ModelType);
    }

    [Fact]
    public void Llama2cBecomesTheSameModelAsGguf()
    {
        Write("stories.bin", TinyModel.Llama2c());
        Write($"tok{TinyModel.Pieces.Length}.bin", TinyModel.Llama2cTokenizer());
        ModelImport.Run(_folder, Out);
        CheckRows(true);
        string other = Path.Combine(_folder, "other");
        ModelImport.Run(Write("model.gguf", TinyModel.Gguf("llama")), other);
        Assert.Equal(File.ReadAllText(Path.Combine(other, "tokenizer.json")), File.ReadAllText(Path.Combine(Out, "tokenizer.json")));
        Assert.Equal(ModelConfiguration.Load(other).ToJson().ToJsonString(), ModelConfiguration.Load(Out).ToJson().ToJsonString());
    }

    [Theory]
    [InlineData(null, ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16, ScalarType.Float16)]
    public void TheTypeAskedForIsWritten(ScalarType? asked, ScalarType written)
    {
        ModelConfiguration configuration = ModelImport.Run(Write("model.gguf", TinyModel.Gguf("qwen3")), Out, asked);
        Assert.Equal(written.ToString().ToLowerInvariant(), configuration.Extra["dtype"]!.GetValue<string>());
        using WeightFolder weights = WeightFolder.Open(Out);
        using Tensor embedding = weights.Read("model.embed_tokens.weight");
        Assert.Equal(written, embedding.dtype);
    }

    [Fact]
    public void AFileWithoutTheEndingIsKnownByItsBeginning()
    {
        ModelImport.Run(Write("sha256-0123", TinyModel.Gguf("qwen3")), Out);
        Assert.Equal("qwen3", ModelConfiguration.Load(Out).ModelType);
    }

    [Fact]
    public void ATokenizerBesideTheFileIsTakenOver()
    {
        string model = Write("model.gguf", TinyModel.Gguf("llama"));
        ModelImport.Run(model, Out);
        string beside = File.ReadAllText(Path.Combine(Out, "tokenizer.json")).Replace("\n", "\r\n", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), beside);
        ModelImport.Run(model, Path.Combine(_folder, "second"));
        Assert.Equal(beside, File.ReadAllText(Path.Combine(_folder, "second", "tokenizer.json")));
    }

    [Fact]
    public void ATokenizerOfAnotherModelIsRefusedAndNothingIsLeft()
    {
        string model = Write("model.gguf", TinyModel.Gguf("llama"));
        foreach (string file in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Testing.Golden.Path($"tokenizer/smollm2/{file}"), Path.Combine(_folder, file));
        }

        Assert.Contains("49,152", Refused(model).Message);
    }

    [Fact]
    public void ABrokenTokenizerIsNamedWhereItLies()
    {
        string model = Write("model.gguf", TinyModel.Gguf("llama"));
        string beside = Write("tokenizer.json", "{\"model\":"u8.ToArray());
        Assert.Equal(beside, Refused(model).Where);
    }

    [Fact]
    public void AFolderThatHoldsSomethingIsLeftAlone()
    {
        string model = Write("model.gguf", TinyModel.Gguf("llama"));
        ModelImport.Run(model, Out);
        DateTime before = File.GetLastWriteTimeUtc(Path.Combine(Out, "config.json"));
        Assert.Contains("not empty", Assert.Throws<HaloException>(() => ModelImport.Run(model, Out)).Message);
        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(Out, "config.json")));
    }

    [Fact]
    public void WhatAKilledImportLeftIsNoObstacle()
    {
        Directory.CreateDirectory(Path.Combine(Out, ".importing"));
        File.WriteAllText(Path.Combine(Out, ".importing", "model.safetensors.partial"), "half");
        ModelImport.Run(Write("model.gguf", TinyModel.Gguf("llama")), Out);
        Assert.Equal(["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], Directory.EnumerateFileSystemEntries(Out).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void CancellingLeavesNothing()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => ModelImport.Run(Write("model.gguf", TinyModel.Gguf("llama")), Out, null, source.Token));
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public void Llama3sScalingIsFoundInItsFactors()
    {
        // Wave lengths 6, 167, 4,443 and 118,000: kept, kept, between, divided.
        const double theta = 500_000, factor = 8, original = 8192, low = 1, high = 4;
        float[] factors = [.. Enumerable.Range(0, 4).Select(i =>
        {
            double turns = original / (2 * Math.PI * Math.Pow(theta, i / 4.0));
            double smooth = Math.Clamp((turns - low) / (high - low), 0, 1);
            return (float)(1 / (((1 - smooth) / factor) + smooth));
        })];
        ModelConfiguration configuration = ModelImport.Run(Write("model.gguf", TinyModel.Gguf("llama", theta: (float)theta, ropeFactors: factors)), Out);
        Assert.Equal((RopeScalingKind.Llama3, factor, (int)original, low, high), (configuration.RopeScaling!.Kind, configuration.RopeScaling.Factor, configuration.RopeScaling.OriginalLength, configuration.RopeScaling.LowFrequencyFactor, configuration.RopeScaling.HighFrequencyFactor));
        Directory.Delete(Out, true);
        factors[1] = 2;
        Assert.Contains("rope_freqs", Refused(Write("other.gguf", TinyModel.Gguf("llama", theta: (float)theta, ropeFactors: factors))).Message);
        Assert.Contains("rope_freqs", Refused(Write("short.gguf", TinyModel.Gguf("llama", theta: (float)theta, ropeFactors: factors[..2]))).Message);
    }

    [Fact]
    public void ATokenizerWithoutSpecialTokensGetsTheFilesOwn()
    {
        string model = Write("model.gguf", TinyModel.Gguf("llama"));
        ModelImport.Run(model, Out);
        File.Copy(Path.Combine(Out, "tokenizer.json"), Path.Combine(_folder, "tokenizer.json"));
        ModelImport.Run(model, Path.Combine(_folder, "second"));
        Assert.Equal(1, HuggingFaceTokenizer.Load(Path.Combine(_folder, "second")).BosId);
    }

    [Fact]
    public void TensorsThatShareBytesAreRefused() => Assert.Contains("overlaps", Refused(Write("model.gguf", TinyModel.Gguf("llama", overlapping: true))).Message);

    [Fact]
    public void WhatIsNotSupportedIsNamed()
    {
        Assert.Contains("'gemma3'", Refused(Write("a.gguf", TinyModel.Gguf("gemma3"))).Message);
        Assert.Contains("iq4_xs", Refused(Write("b.gguf", TinyModel.Gguf("llama", tensorType: 23))).Message);
        Assert.Contains("rotated", Refused(Write("c.gguf", TinyModel.Gguf("llama", rotated: 2))).Message);
        Assert.Contains("no such file", Refused(Path.Combine(_folder, "absent.gguf")).Message);
        Assert.Contains("3 files", Refused(_folder).Message);
    }

    private HaloException Refused(string model)
    {
        var error = Assert.Throws<HaloException>(() => ModelImport.Run(model, Out));
        Assert.False(Directory.Exists(Out));
        return error;
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    // Row 2i of a head in Llama's own order is row i of Hugging Face's, row 2i + 1 is row i + D/2; element i of the file's tensors is i.
    private void CheckRows(bool interleaved)
    {
        using WeightFolder weights = WeightFolder.Open(Out);
        foreach ((string name, int heads) in new[] { ("q", TinyModel.Heads), ("k", TinyModel.KeyHeads), ("v", TinyModel.KeyHeads) })
        {
            using Tensor tensor = weights.Read($"model.layers.1.self_attn.{name}_proj.weight");
            const int head = TinyModel.Width / TinyModel.Heads;
            float[] first = [.. tensor.data<float>().Where((_, i) => i % TinyModel.Width == 0).Select(value => value / TinyModel.Width)];
            int[] own = [.. Enumerable.Range(0, heads * head)];
            int[] order = interleaved && name != "v" ? [.. own.Select(row => (row / head * head) + (row % head < head / 2 ? 2 * (row % head) : (2 * (row % head)) - head + 1))] : own;
            Assert.Equal(order.Select(row => (float)row), first);
        }
    }
}
