using static TorchSharp.torch;

namespace Halo.Models.Tests;

internal static class Run
{
    /// <summary>Reads ids with a cache in blocks of the given lengths.</summary>
    public static Tensor Blocks(CausalLm model, Tensor ids_BT, HybridCache cache, params int[] lengths) => Blocks(model, ids_BT, cache, null, null, lengths);

    public static Tensor Blocks(CausalLm model, Tensor ids_BT, HybridCache cache, int[]? pads, Tensor? segments_BT, params int[] lengths)
    {
        var parts = new List<Tensor>();
        long start = 0;
        foreach (int length in lengths)
        {
            SequenceLayout layout = new() { PadLeft = start == 0 ? pads : null, Segments_BT = segments_BT?.narrow(1, start, length) };
            parts.Add(model.Hidden(ids_BT.narrow(1, start, length), layout, cache));
            start += length;
        }

        return cat(parts, 1);
    }
}
