using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>A copy of what a <see cref="HybridCache"/> remembered.</summary>
public sealed class HybridSnapshot : IDisposable
{
    internal HybridSnapshot(int batch, long length, IReadOnlyList<int>? padLeft, Tensor? tags_BS, Tensor[][] layers)
    {
        Batch = batch;
        Length = length;
        PadLeft = padLeft;
        Tags_BS = tags_BS;
        Layers = layers;
    }

    /// <summary>B.</summary>
    public int Batch { get; }

    /// <summary>Tokens read.</summary>
    public long Length { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Layers.SelectMany(layer => layer).Sum(one => one.NumberOfElements * one.element_size());

    internal IReadOnlyList<int>? PadLeft { get; }

    internal Tensor? Tags_BS { get; }

    internal Tensor[][] Layers { get; }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (Tensor one in Layers.SelectMany(layer => layer))
        {
            one.Dispose();
        }

        Tags_BS?.Dispose();
    }
}
