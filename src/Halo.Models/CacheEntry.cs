using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>The cache of one layer: keys and values (B,Hkv,capacity,D), or a state (B,H,D,D).</summary>
internal sealed class CacheEntry
{
    private CacheEntry(Tensor[] tensors) => Tensors = tensors;

    /// <summary>Keys and values, or the state.</summary>
    public Tensor[] Tensors { get; }

    public static CacheEntry ForAttention(int batch, int heads, int size, ScalarType type, Device device) =>
        new([Zeros([batch, heads, 0, size], type, device), Zeros([batch, heads, 0, size], type, device)]);

    public static CacheEntry ForLightning(int batch, int heads, int size, Device device) =>
        new([Zeros([batch, heads, size, size], ScalarType.Float32, device)]);

    public (Tensor K, Tensor V) Append(Tensor k_BHTD, Tensor v_BHTD, long length, long block)
    {
        long total = length + k_BHTD.shape[2];
        Reserve(total, length, block);
        Put(Tensors[0], k_BHTD, length);
        Put(Tensors[1], v_BHTD, length);
        return (Tensors[0].narrow(2, 0, total), Tensors[1].narrow(2, 0, total));
    }

    public CacheEntry Select(Tensor rows) => new([.. Tensors.Select(one => one.index_select(0, rows).DetachFromDisposeScope())]);

    private static Tensor Zeros(long[] shape, ScalarType type, Device device)
    {
        // Tensors of inference mode could not be written outside of it.
        using IDisposable normal = inference_mode(false);
        return zeros(shape, type, device).DetachFromDisposeScope();
    }

    private static void Put(Tensor target, Tensor source_BHTD, long start)
    {
        using Tensor place = target.narrow(2, start, source_BHTD.shape[2]);
        using Tensor constant = source_BHTD.detach();
        place.copy_(constant);
    }

    /// <summary>Makes room for <paramref name="total"/> tokens, keeping the first <paramref name="kept"/>; grows by a quarter at least, so that copying stays rare.</summary>
    private void Reserve(long total, long kept, long block)
    {
        long capacity = Tensors[0].shape[2];
        if (total <= capacity)
        {
            return;
        }

        long wanted = Math.Max(total, capacity + (capacity / 4));
        wanted = (wanted + block - 1) / block * block;
        for (int i = 0; i < Tensors.Length; i++)
        {
            Tensor old = Tensors[i];
            long[] shape = old.shape;
            Tensor grown = Zeros([shape[0], shape[1], wanted, shape[3]], old.dtype, old.device);
            if (kept > 0)
            {
                using Tensor filled = old.narrow(2, 0, kept);
                Put(grown, filled, 0);
            }

            Tensors[i] = grown;
            old.Dispose();
        }
    }
}
