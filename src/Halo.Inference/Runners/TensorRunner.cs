using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Runs any model on any device with libtorch's operations: the plain form, which every other runner is compared with.</summary>
public sealed class TensorRunner : IModelRunner
{
    private const int MostUneven = 8;
    private readonly CausalLm _model;
    private readonly MemoryPlan _plan;
    private readonly List<CacheSlab> _slabs = [];
    private readonly Lazy<string> _identity;

    /// <summary>Makes a runner; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="memory">Bytes that caches and work may take; 0 asks the machine.</param>
    public TensorRunner(CausalLm model, long memory = 0)
    {
        _model = model;
        _plan = new MemoryPlan(model, memory);
        _identity = new Lazy<string>(() => ModelIdentity.Of(model));
    }

    /// <inheritdoc/>
    public string Name => ModelRunners.Tensors;

    /// <inheritdoc/>
    public ModelConfiguration Configuration => _model.Configuration;

    /// <inheritdoc/>
    public string Identity => _identity.Value;

    /// <inheritdoc/>
    public Device Device => _model.Device;

    /// <inheritdoc/>
    public ScalarType CacheType => _model.CacheFormat == CacheFormat.Int8 ? ScalarType.Float32 : _model.ComputeType;

    /// <inheritdoc/>
    public long WeightBytes => _model.Parameters.Where(parameter => Configuration.TieWordEmbeddings || parameter != _model.Parameters[0]).Sum(parameter => parameter.Bytes);

    /// <inheritdoc/>
    public long FreeBytes => _plan.Available - _slabs.Where(slab => slab.Free < slab.Rows).Sum(slab => slab.Bytes);

    /// <summary>The slabs, also those that nobody uses.</summary>
    internal IReadOnlyList<CacheSlab> Slabs => _slabs;

    /// <inheritdoc/>
    public long CacheBytes(long length) => _plan.CacheBytes(CacheSlab.Pages(length));

    /// <inheritdoc/>
    public long WorkBytes(long tokens) => _plan.WorkBytes(tokens);

    /// <inheritdoc/>
    public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int wanted = CacheSlab.Pages(capacity);
        CacheSlab? slab = _slabs.Where(one => one.Free >= count && one.Capacity >= wanted).OrderBy(one => one.Capacity).ThenBy(one => one.Free).FirstOrDefault();
        if (slab is null || slab.Capacity / 4 > wanted)
        {
            DropUnused();
            slab = new CacheSlab(_model, count, wanted);
            _slabs.Add(slab);
        }

        return [.. Enumerable.Range(0, count).Select(_ => slab.Take(this))];
    }

    /// <inheritdoc/>
    public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits)
    {
        SlabRow[] rows = Rows(caches);
        int length = ids[0].Length;
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var logits = new Tensor[rows.Length];
        foreach (IGrouping<int, int> alike in Enumerable.Range(0, rows.Length).GroupBy(place => rows[place].Length).ToArray())
        {
            int[] places = [.. alike.OrderBy(place => rows[place].Slab.Number).ThenBy(place => rows[place].Index)];
            var flat = new long[places.Length * length];
            for (int i = 0; i < places.Length; i++)
            {
                ReadOnlySpan<int> row = ids[places[i]].Span;
                for (int t = 0; t < length; t++)
                {
                    flat[(i * length) + t] = row[t];
                }
            }

            Tensor hidden_BTd = Read([.. places.Select(place => rows[place])], HostIds.ToDevice(flat, [places.Length, length], Device));
            if (wantLogits)
            {
                Tensor logits_BV = _model.Logits(hidden_BTd.select(1, hidden_BTd.shape[1] - 1));
                for (int i = 0; i < places.Length; i++)
                {
                    logits[places[i]] = logits_BV.narrow(0, i, 1);
                }
            }

            hidden_BTd.Dispose();
        }

        return !wantLogits ? null : logits.Length == 1 ? logits[0].MoveToOuterDisposeScope() : cat(logits, 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
    {
        SlabRow[] rows = Rows(caches);
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int[] order = [.. Enumerable.Range(0, rows.Length).OrderBy(place => rows[place].Slab.Number).ThenBy(place => rows[place].Index)];
        bool moved = order.Where((place, i) => place != i).Any();
        Tensor ordered_B = moved ? ids_B.index_select(0, Index(order)) : ids_B;
        Tensor hidden_BTd = Read([.. order.Select(place => rows[place])], ordered_B.unsqueeze(1));
        Tensor logits_BV = _model.Logits(hidden_BTd.select(1, 0));
        if (moved)
        {
            var back = new int[order.Length];
            for (int i = 0; i < order.Length; i++)
            {
                back[order[i]] = i;
            }

            logits_BV = logits_BV.index_select(0, Index(back));
        }

        return logits_BV.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the caches, also those in use.</summary>
    public void Dispose()
    {
        _slabs.ForEach(slab => slab.Dispose());
        _slabs.Clear();
    }

    /// <summary>Makes room for new tokens of each row.</summary>
    internal static void Reserve(SlabRow[] rows, int tokens)
    {
        foreach (IGrouping<CacheSlab, SlabRow> group in rows.GroupBy(row => row.Slab))
        {
            group.Key.Reserve(group.Max(row => (long)row.Length) + tokens);
        }
    }

    /// <summary>Takes a row back; its memory waits for the next sequence.</summary>
    internal void GiveBack(SlabRow row)
    {
        if (_slabs.Contains(row.Slab))
        {
            row.Slab.GiveBack(row);
        }
    }

    private Tensor Index(int[] places) => HostIds.ToDevice([.. places.Select(place => (long)place)], [places.Length], Device);

    /// <summary>The rows of caches of this runner, each once.</summary>
    internal SlabRow[] Rows(IReadOnlyList<ISequenceCache> caches)
    {
        SlabRow[] rows = [.. caches.Select(cache => cache is SlabRow row && ReferenceEquals(row.Runner, this) ? row : throw new ArgumentException("the cache is another runner's", nameof(caches)))];
        Array.ForEach(rows, row => row.Require());
        return rows.Distinct().Count() == rows.Length ? rows : throw new ArgumentException("a cache stands twice in one call", nameof(caches));
    }

    /// <summary>Output of the final norm, (B,T,d), or that of the last tokens alone; rows lie in the order of their slabs.</summary>
    private Tensor Read(SlabRow[] rows, Tensor ids_BT)
    {
        using DisposeScope scope = NewDisposeScope();
        int length = (int)ids_BT.shape[1];
        Reserve(rows, length);
        SlabView[] views = [.. Runs(rows).Select(run => new SlabView(run))];
        try
        {
            Tensor hidden_BTd = _model.HiddenIn(_model.Context(length, [.. views.Select(view => view.Part)]), ids_BT, last: 1);
            Array.ForEach(views, view => view.Commit(length));
            return hidden_BTd.MoveToOuterDisposeScope();
        }
        finally
        {
            Array.ForEach(views, view => view.Dispose());
        }
    }

    /// <summary>Neighbours in one slab. On a GPU few rows of different lengths go apart: without a mask attention divides a long row among many blocks of threads.</summary>
    private IEnumerable<SlabRow[]> Runs(SlabRow[] rows)
    {
        bool even = Device.type == DeviceType.CUDA && rows.Length <= MostUneven;
        for (int start = 0; start < rows.Length;)
        {
            int end = start + 1;
            while (end < rows.Length && ReferenceEquals(rows[end].Slab, rows[start].Slab) && rows[end].Index == rows[end - 1].Index + 1 && (!even || rows[end].Length == rows[start].Length))
            {
                end++;
            }

            yield return rows[start..end];
            start = end;
        }
    }

    /// <summary>Slabs that nobody uses are kept for the next sequences while they are small beside what there is.</summary>
    private void DropUnused()
    {
        long kept = 0;
        foreach (CacheSlab slab in _slabs.Where(slab => slab.Free == slab.Rows).ToArray())
        {
            kept += slab.Bytes;
            if (kept > _plan.Available / 8)
            {
                _slabs.Remove(slab);
                slab.Dispose();
            }
        }
    }
}
