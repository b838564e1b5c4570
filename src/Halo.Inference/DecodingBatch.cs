using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>The rows of a batch that are still being written, and their cache.</summary>
internal sealed class DecodingBatch : IDisposable
{
    private readonly CausalLm _model;
    private HybridCache _cache;

    public DecodingBatch(CausalLm model, int[] rows)
    {
        _model = model;
        Rows = [.. rows];
        _cache = HybridCache.Create(model, rows.Length);
    }

    /// <summary>Number of each row among the prompts; -1 for a row that has ended but still stands in the cache.</summary>
    public int[] Rows { get; private set; }

    /// <summary>Reads all prompts, padded in front to the longest; gives the logits after the last id, (B,V).</summary>
    public Tensor Prefill(IReadOnlyList<int[]> prompts, int block, CancellationToken cancellation)
    {
        int longest = Rows.Max(row => prompts[row].Length);
        int[] pads = [.. Rows.Select(row => longest - prompts[row].Length)];

        // Without pads the plain causal form applies, which has faster kernels.
        SequenceLayout? layout = pads.Any(pad => pad > 0) ? SequenceLayout.Left(pads) : null;
        for (int start = 0; ; start += block)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(block, longest - start);
            var ids = new long[Rows.Length * count];
            for (int place = 0; place < Rows.Length; place++)
            {
                int[] prompt = prompts[Rows[place]];
                for (int i = Math.Max(0, pads[place] - start); i < count; i++)
                {
                    ids[(place * count) + i] = prompt[start + i - pads[place]];
                }
            }

            Tensor ids_BT = tensor(ids, [Rows.Length, count]).to(_model.Device);
            Tensor hidden_BTd = _model.Hidden(ids_BT, layout, _cache);
            if (start + count == longest)
            {
                return _model.Logits(hidden_BTd.select(1, count - 1)).MoveToOuterDisposeScope();
            }
        }
    }

    /// <summary>Reads one id a row; gives the logits after it, (B,V).</summary>
    public Tensor Step(Tensor ids_B)
    {
        using DisposeScope scope = NewDisposeScope();
        return _model.Logits(_model.Hidden(ids_B.unsqueeze(1), null, _cache).select(1, 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Marks ended rows; takes them out of the cache once they are half of it, so that the copying stays rare.</summary>
    /// <returns>False when no row is left.</returns>
    public bool Drop(bool[] ended, ref Tensor ids_B)
    {
        Rows = [.. Rows.Select((row, place) => ended[place] ? -1 : row)];
        int[] left = [.. Enumerable.Range(0, Rows.Length).Where(place => Rows[place] >= 0)];
        if (left.Length == 0)
        {
            return false;
        }

        if (left.Length * 2 <= Rows.Length)
        {
            HybridCache smaller = _cache.Select(left);
            _cache.Dispose();
            _cache = smaller;
            ids_B = ids_B.index_select(0, tensor(left.Select(place => (long)place).ToArray()).to(ids_B.device));
            Rows = [.. left.Select(place => Rows[place])];
        }

        return true;
    }

    public void Dispose() => _cache.Dispose();
}
