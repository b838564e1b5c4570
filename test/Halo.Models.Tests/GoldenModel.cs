using Halo.Testing;
using TorchSharp;

namespace Halo.Models.Tests;

/// <summary>The tiny reference models of test/golden/models.</summary>
internal static class GoldenModel
{
    public static readonly string[] Names = ["qwen3-untied", "qwen3-yarn", "qwen2", "llama-rope3", "llama-linear", "hypenet", "hypenet-scaled"];

    public static string Folder(string name)
    {
        string config = Golden.Path($"models/{name}/config.json");
        Golden.Path($"models/{name}/model.safetensors");
        return Path.GetDirectoryName(config)!;
    }

    public static string Reference(string name) => Golden.Path($"models/{name}/golden.safetensors");

    public static CausalLm Load(string name, torch.ScalarType type = torch.ScalarType.Float32) => CausalLm.Load(Folder(name), torch.CPU, type);

    public static torch.Tensor Ids(int batch, int length, ulong seed = 3)
    {
        using var generator = new torch.Generator(seed);
        return torch.randint(0, 151, [batch, length], torch.ScalarType.Int64, generator: generator);
    }
}
