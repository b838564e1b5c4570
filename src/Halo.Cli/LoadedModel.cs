using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using TorchSharp;

namespace Halo.Cli;

/// <summary>A model with its tokenizer, as the commands use them.</summary>
internal sealed record LoadedModel(CausalLm Model, ITokenizer Tokenizer) : IDisposable
{
    /// <summary>Loads the model folder <paramref name="folder"/>.</summary>
    public static LoadedModel Load(string folder, string device, string? type)
    {
        torch.Device target = LibTorch.Device(device);
        var tokenizer = HuggingFaceTokenizer.Load(folder);
        return new LoadedModel(CausalLm.Load(folder, target, CommonOptions.ResolveType(type, target)), tokenizer);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
