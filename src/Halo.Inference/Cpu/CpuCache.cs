using Halo.Kernels.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>The cache of one sequence in memory of its own.</summary>
internal sealed unsafe class CpuCache : ISequenceCache
{
    private readonly KeyValueCache?[] _keys;
    private readonly NativeBlock?[] _states;
    private readonly CpuWeights _weights;
    private bool _disposed;

    public CpuCache(CpuRunner runner, CpuWeights weights, CacheValues kind, int capacity)
    {
        (Runner, _weights) = (runner, weights);
        _keys = [.. weights.Layers.Select(layer => layer.IsAttention ? new KeyValueCache(layer.KeyHeads, layer.Size, kind) : null)];
        _states = [.. weights.Layers.Select(layer => layer.IsAttention ? null : new NativeBlock((long)layer.Heads * layer.Size * layer.Size * sizeof(float)))];
        Reserve(capacity);
    }

    public CpuRunner Runner { get; }

    /// <inheritdoc/>
    public int Length { get; set; }

    /// <inheritdoc/>
    public long Bytes => _keys.Sum(one => one?.Bytes ?? 0) + _states.Sum(one => one?.Bytes ?? 0);

    public KeyValueCache Keys(int layer) => _keys[layer]!;

    public float* State(int layer) => _states[layer]!.Floats;

    /// <summary>Makes room for a number of tokens.</summary>
    public void Reserve(int tokens)
    {
        foreach (KeyValueCache? one in _keys)
        {
            one?.Reserve(tokens);
        }
    }

    /// <inheritdoc/>
    public void Clear()
    {
        Require();
        Length = 0;
        foreach (NativeBlock? state in _states)
        {
            if (state is not null)
            {
                new Span<byte>(state.Pointer, (int)state.Bytes).Clear();
            }
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor[]> Export()
    {
        Require();
        return [.. _weights.Layers.Select((layer, index) => layer.IsAttention ? ExportKeys(layer, Keys(index)) : [ToTensor(State(index), [layer.Heads, layer.Size, layer.Size])])];
    }

    /// <inheritdoc/>
    public void Import(int length, IReadOnlyList<Tensor[]> layers)
    {
        Require();
        Clear();
        Reserve(length);
        for (int index = 0; index < layers.Count; index++)
        {
            CpuLayer layer = _weights.Layers[index];
            Tensor[] floats = [.. layers[index].Select(one => one.to(ScalarType.Float32, CPU, copy: true).contiguous().DetachFromDisposeScope())];
            if (!layer.IsAttention)
            {
                floats[0].bytes.CopyTo(new Span<byte>(State(index), (int)_states[index]!.Bytes));
            }
            else
            {
                fixed (byte* keys = floats[0].bytes, values = floats[1].bytes)
                {
                    for (long at = 0; at < (long)layer.KeyHeads * length; at++)
                    {
                        Keys(index).Set((int)(at % length), (int)(at / length), (float*)keys + (at * layer.Size), (float*)values + (at * layer.Size));
                    }
                }
            }

            Array.ForEach(floats, one => one.Dispose());
        }

        Length = length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Runner.GiveBack(this);
            Array.ForEach(_keys, one => one?.Dispose());
            Array.ForEach(_states, one => one?.Dispose());
        }
    }

    /// <summary>Throws where the memory was given back.</summary>
    public void Require() => ObjectDisposedException.ThrowIf(_disposed, this);

    private static Tensor ToTensor(float* values, long[] shape)
    {
        Tensor made = empty(shape, ScalarType.Float32).DetachFromDisposeScope();
        new Span<byte>(values, (int)made.NumberOfElements * sizeof(float)).CopyTo(made.bytes);
        return made;
    }

    private Tensor[] ExportKeys(CpuLayer layer, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor keys = empty([layer.KeyHeads, Length, layer.Size], ScalarType.Float32), values = empty_like(keys);
        fixed (byte* k = keys.bytes, v = values.bytes)
        {
            for (long at = 0; at < (long)layer.KeyHeads * Length; at++)
            {
                cache.Get((int)(at % Length), (int)(at / Length), (float*)k + (at * layer.Size), (float*)v + (at * layer.Size));
            }
        }

        return [keys.to_type(Runner.CacheType, copy: true).DetachFromDisposeScope(), values.to_type(Runner.CacheType, copy: true).DetachFromDisposeScope()];
    }
}
