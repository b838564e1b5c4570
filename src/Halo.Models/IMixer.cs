using TorchSharp;
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

    /// <summary>Adds the output of the last n tokens to the residual stream, without gradients. All tokens enter the cache.</summary>
    /// <param name="sum_Bnd">Contiguous.</param>
    /// <param name="normed_BTd">Output of the layer's input norm.</param>
    /// <param name="context">Positions, masks and cache of this call.</param>
    internal void AddTo(Tensor sum_Bnd, Tensor normed_BTd, LayerContext context)
    {
        using DisposeScope scope = NewDisposeScope();
        sum_Bnd.add_(LayerContext.Last(Forward(normed_BTd, context), sum_Bnd.shape[1]));
    }
}
