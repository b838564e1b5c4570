using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using TorchSharp;

namespace Halo.Cli;

/// <summary>A model with its tokenizer, as the commands use them.</summary>
internal sealed record LoadedModel(CausalLm Model, ITokenizer Tokenizer) : IDisposable
{
    /// <summary>Loads the model folder <paramref name="folder"/>.</summary>
    public static LoadedModel Load(string folder, string device, string? type, string? weights = null)
    {
        torch.Device target = LibTorch.Device(device);
        var tokenizer = HuggingFaceTokenizer.Load(folder);
        CausalLm model = CausalLm.Load(folder, target, CommonOptions.ResolveType(type, target));
        CommonOptions.Quantize(model, weights);
        return new LoadedModel(model, tokenizer);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
