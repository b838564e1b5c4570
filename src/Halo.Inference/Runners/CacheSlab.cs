using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Caches of sequences that lie together: keys and values (R,Hkv,capacity,D) of each attention layer, in the type that is computed in or in 8 bits, grown in pages of tokens; states (R,H,D,D), float32, of each linear layer.
/// Rows in use are always the first, so that a step of all of them needs no copies: a row that is given back is filled with the last one.
/// Rows handed out hold zeros, and nothing beyond a row's length is ever read with a weight.
/// </summary>
internal sealed class CacheSlab : IDisposable
{
    /// <summary>Tokens of a page.</summary>
    public const int Page = 256;

    private static long _made;
    private readonly Tensor?[] _keys;
    private readonly Tensor?[] _values;
    private readonly Tensor?[] _keyScales;
    private readonly Tensor?[] _valueScales;
    private readonly Tensor?[] _states;
    private readonly List<SlabRow> _used = [];

    public CacheSlab(CausalLm model, int rows, int capacity)
    {
        ModelConfiguration configuration = model.Configuration;
        int layers = configuration.NumHiddenLayers;
        (Rows, Capacity, Device, IsInt8) = (rows, Pages(capacity), model.Device, model.CacheFormat == CacheFormat.Int8);
        (_keys, _values, _keyScales, _valueScales, _states) = (new Tensor?[layers], new Tensor?[layers], new Tensor?[layers], new Tensor?[layers], new Tensor?[layers]);
        ScalarType kept = IsInt8 ? ScalarType.Int8 : model.ComputeType;
        try
        {
            for (int layer = 0; layer < layers; layer++)
            {
                if (configuration.MixerTypes[layer] == MixerType.Attention)
                {
                    long[] shape = [rows, configuration.NumKeyValueHeads, Capacity, configuration.HeadDim];
                    _keys[layer] = Zeros(shape, kept, model.Device);
                    _values[layer] = Zeros(shape, kept, model.Device);
                    _keyScales[layer] = IsInt8 ? Zeros(shape[..3], ScalarType.Float32, model.Device) : null;
                    _valueScales[layer] = IsInt8 ? Zeros(shape[..3], ScalarType.Float32, model.Device) : null;
                }
                else
                {
                    _states[layer] = Zeros([rows, configuration.LightningNh, configuration.LightningHeadDim, configuration.LightningHeadDim], ScalarType.Float32, model.Device);
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Orders slabs by age.</summary>
    public long Number { get; } = Interlocked.Increment(ref _made);

    /// <summary>Where the slab lies.</summary>
    public Device Device { get; }

    /// <summary>Whether keys and values are 8-bit codes with scales (<see cref="KeyValueCodes"/>).</summary>
    public bool IsInt8 { get; }

    /// <summary>Number of layers.</summary>
    public int Layers => _states.Length;

    /// <summary>R.</summary>
    public int Rows { get; }

    /// <summary>Tokens for which each row has room.</summary>
    public int Capacity { get; private set; }

    /// <summary>Rows that nobody uses.</summary>
    public int Free => Rows - _used.Count;

    /// <summary>Bytes held.</summary>
    public long Bytes => All.Sum(one => one.NumberOfElements * one.element_size());

    /// <summary>All tensors of the slab, rows first.</summary>
    public IEnumerable<Tensor> All => ByToken.Concat(_states.OfType<Tensor>());

    /// <summary>Those whose third dimension is that of tokens.</summary>
    private IEnumerable<Tensor> ByToken => _keys.Concat(_values).Concat(_keyScales).Concat(_valueScales).OfType<Tensor>();

    /// <summary>Capacity in whole pages for a number of tokens.</summary>
    public static int Pages(long tokens) => (int)Math.Min(int.MaxValue, (Math.Max(tokens, 1) + Page - 1) / Page * Page);

    public bool IsAttention(int layer) => _keys[layer] is not null;

    public Tensor Keys(int layer) => _keys[layer]!;

    public Tensor Values(int layer) => _values[layer]!;

    /// <summary>Scales of 8-bit keys, float32 (R,Hkv,capacity).</summary>
    public Tensor KeyScales(int layer) => _keyScales[layer]!;

    /// <summary>Scales of 8-bit values, float32 (R,Hkv,capacity).</summary>
    public Tensor ValueScales(int layer) => _valueScales[layer]!;

    public Tensor State(int layer) => _states[layer]!;

    /// <summary>Hands out a row.</summary>
    public SlabRow Take(TensorRunner runner)
    {
        var row = new SlabRow(runner, this, _used.Count);
        _used.Add(row);
        return row;
    }

    /// <summary>Takes a row back.</summary>
    public void GiveBack(SlabRow row)
    {
        SlabRow last = _used[^1];
        Clear(row.Index, row.Length);
        if (!ReferenceEquals(row, last))
        {
            Move(last, row.Index);
            Clear(last.Index, last.Length);
            last.Index = row.Index;
            _used[row.Index] = last;
        }

        _used.RemoveAt(_used.Count - 1);
    }

    /// <summary>Zeros in the first <paramref name="length"/> places of a row and in its states.</summary>
    public void Clear(int row, int length)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor one in ByToken)
        {
            one.narrow(0, row, 1).narrow(2, 0, length).zero_();
        }

        foreach (Tensor one in _states.OfType<Tensor>())
        {
            one.narrow(0, row, 1).zero_();
        }
    }

    /// <summary>Makes room for a number of tokens a row; grows by a quarter at least, so that copying stays rare.</summary>
    public void Reserve(long tokens)
    {
        if (tokens <= Capacity)
        {
            return;
        }

        int grown = Pages(Math.Max(tokens, Capacity + (Capacity / 4L)));
        int filled = _used.Max(row => row.Length);
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer] = Grow(_keys[layer], filled, grown);
            _values[layer] = Grow(_values[layer], filled, grown);
            _keyScales[layer] = Grow(_keyScales[layer], filled, grown);
            _valueScales[layer] = Grow(_valueScales[layer], filled, grown);
        }

        Capacity = grown;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor one in All)
        {
            one.Dispose();
        }
    }

    private static Tensor Zeros(long[] shape, ScalarType type, Device device)
    {
        // Tensors of inference mode could not be written outside of it.
        using IDisposable normal = inference_mode(false);
        return zeros(shape, type, device).DetachFromDisposeScope();
    }

    private static Tensor? Grow(Tensor? old, int filled, int capacity)
    {
        if (old is null || old.shape[2] >= capacity)
        {
            return old;
        }

        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        long[] shape = old.shape;
        Tensor grown = Zeros([.. shape[..2], capacity, .. shape[3..]], old.dtype, old.device);
        grown.narrow(2, 0, filled).copy_(old.narrow(2, 0, filled));
        old.Dispose();
        return grown;
    }

    private void Move(SlabRow from, int to)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor one in ByToken)
        {
            one.narrow(0, to, 1).narrow(2, 0, from.Length).copy_(one.narrow(0, from.Index, 1).narrow(2, 0, from.Length));
        }

        foreach (Tensor one in _states.OfType<Tensor>())
        {
            one.narrow(0, to, 1).copy_(one.narrow(0, from.Index, 1));
        }
    }
}
