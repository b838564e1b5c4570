using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>What mixes tokens in a layer.</summary>
public interface IMixer
{
    /// <summary>Its kind.</summary>
    MixerType Type { get; }

    /// <summary>Its weights.</summary>
    IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Output after Wo, without the residual, (B,T,d), in the type of the input.</summary>
    /// <param name="normed_BTd">Output of the layer's input norm.</param>
    /// <param name="context">Positions, masks and cache of this call.</param>
    Tensor Forward(Tensor normed_BTd, LayerContext context);

    /// <summary>Adds the output to the residual stream, without gradients.</summary>
    internal void AddTo(Tensor sum_BTd, Tensor normed_BTd, LayerContext context)
    {
        using Tensor mixed_BTd = Forward(normed_BTd, context);
        sum_BTd.add_(mixed_BTd);
    }
}
