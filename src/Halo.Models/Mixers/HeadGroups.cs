using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>Fewer key/value heads than query heads: head floor(h Hkv / H) serves query head h (interleaved, not tiled).</summary>
internal static class HeadGroups
{
    /// <summary>Each head <paramref name="times"/> times, one copy beside the other, along <paramref name="dimension"/>.</summary>
    public static Tensor Repeat(Tensor x, int dimension, int times)
    {
        if (times == 1)
        {
            return x;
        }

        long[] shape = x.shape;
        long[] expanded = [.. shape[..(dimension + 1)], times, .. shape[(dimension + 1)..]];
        shape[dimension] *= times;
        return x.unsqueeze(dimension + 1).expand(expanded).reshape(shape);
    }
}
