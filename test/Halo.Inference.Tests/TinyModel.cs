using Halo.Models;
using Halo.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>The tiny reference models (vocabulary 151), and what they give when read plainly, without cache, padding or blocks.</summary>
internal static class TinyModel
{
    public const int Vocabulary = 151;

    public static CausalLm Load(string name)
    {
        string config = Golden.Path($"models/{name}/config.json");
        Golden.Path($"models/{name}/model.safetensors");
        return CausalLm.Load(Path.GetDirectoryName(config)!, CPU, ScalarType.Float32);
    }

    /// <summary>A model that ships with Halo: hypenet-nano or qwen3-nano. Skips the test where its weights were left behind (tools/check-kernels.sh).</summary>
    public static CausalLm Shipped(string name, Device? device = null)
    {
        string folder = Path.GetFullPath(Path.Combine(Golden.Folder, "..", "..", "models", name));
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "model.safetensors")), $"the weights of {name} are not here");
        return CausalLm.Load(folder, device ?? CPU, ScalarType.Float32);
    }

    public static int[] Ids(int length, int seed, int vocabulary = Vocabulary)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>Log-probabilities after each id, in float64.</summary>
    public static double[][] LogProbabilities(CausalLm model, int[] ids)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor logits_TV = model.Logits(model.Hidden(tensor(ids.Select(id => (long)id).ToArray()).unsqueeze(0).to(model.Device)))[0].cpu().to_type(ScalarType.Float64);
        double[] flat = logits_TV.log_softmax(-1).contiguous().data<double>().ToArray();
        return [.. flat.Chunk(model.Configuration.VocabSize)];
    }

    /// <summary>Greedy continuation by reading everything anew for every token.</summary>
    public static int[] Greedy(CausalLm model, int[] prompt, int count)
    {
        int[] ids = prompt;
        for (int i = 0; i < count; i++)
        {
            double[] last = LogProbabilities(model, ids)[^1];
            ids = [.. ids, Array.IndexOf(last, last.Max())];
        }

        return ids[prompt.Length..];
    }
}
