using Halo.Core;
using Halo.Kernels.Cpu;
using Halo.Models;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Runs a model with Halo's own kernels for processors: weights streamed once for each token by all cores, in float32, bfloat16, 8 or 4 bits.
/// The cache is float32 where the weights are, else bfloat16.
/// </summary>
public sealed unsafe class CpuRunner : IModelRunner
{
    private readonly CpuWeights _weights;
    private readonly CpuDecoder _decoder;
    private readonly CacheValues _kind;
    private readonly HashSet<CpuCache> _caches = [];
    private readonly Lazy<string> _identity;
    private readonly Func<LogitsScaling?> _scaling;
    private readonly long _memory;
    private NativeBlock _logits;

    /// <summary>Packs a model's weights; the model stays the caller's.</summary>
    /// <param name="model">A model whose weights were not rounded before.</param>
    /// <param name="weights">Bits of the matrices; null for the parameters' own type (float32, or else bfloat16).</param>
    /// <param name="memory">Bytes that caches and work may take; 0 asks the machine.</param>
    /// <exception cref="HaloException">The kernels cannot run this model.</exception>
    public CpuRunner(CausalLm model, WeightFormat? weights = null, long memory = 0)
        : this(model, FormatOf(model.ComputeType, weights), memory, CpuPaths.Best, WorkerPool.Shared)
    {
    }

    internal CpuRunner(CausalLm model, PackedFormat format, long memory, CpuPath path, WorkerPool pool)
        : this(model.Configuration, format, name => model.Parameters.First(one => one.Name == name).Value.alias(), memory, path, pool, cache: model.CacheFormat)
    {
        _identity = new Lazy<string>(() => ModelIdentity.Of(model));
        _scaling = () => model.LogitsScaling;
    }

    internal CpuRunner(ModelConfiguration configuration, PackedFormat format, Func<string, Tensor> read, long memory, CpuPath path, WorkerPool pool, Func<string>? identity = null, CacheFormat cache = CacheFormat.Full)
    {
        if (!CpuWeights.CanRun(configuration))
        {
            throw new HaloException("the kernels for processors want heads of a multiple of 16 values", "--runner cpu", $"use --runner {ModelRunners.Tensors}");
        }

        _weights = new CpuWeights(configuration, format, read, pool);
        _decoder = new CpuDecoder(_weights, pool, path);
        _kind = cache == CacheFormat.Int8 ? CacheValues.Int8 : format == PackedFormat.Float32 ? CacheValues.Float32 : CacheValues.BFloat16;
        _memory = memory > 0 ? memory : MemoryPlan.CpuMemory();
        _logits = new NativeBlock((long)LogitsStride * sizeof(float));
        _identity = new Lazy<string>(identity?.Invoke() ?? "");
        _scaling = () => configuration.AttnLogitsScaling;
    }

    /// <inheritdoc/>
    public string Name => ModelRunners.Cpu;

    /// <inheritdoc/>
    public ModelConfiguration Configuration => _weights.Configuration;

    /// <inheritdoc/>
    public string Identity => _identity.Value;

    /// <inheritdoc/>
    public Device Device => CPU;

    /// <inheritdoc/>
    public ScalarType CacheType => _kind == CacheValues.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <inheritdoc/>
    public long FreeBytes => _memory - _caches.Sum(cache => cache.Bytes);

    /// <summary>Bytes of weights that one token reads.</summary>
    public long WeightBytes => _weights.BytesPerToken;

    private int LogitsStride => _weights.Head.Groups * PackedMatrix.Group;

    /// <inheritdoc/>
    public long CacheBytes(long length) => _weights.Layers.Sum(layer =>
        layer.IsAttention ? KeyValueCache.BytesFor(length, layer.KeyHeads, layer.Size, _kind) : (long)layer.Heads * layer.Size * layer.Size * sizeof(float));

    /// <inheritdoc/>
    public long WorkBytes(long tokens) =>
        sizeof(float) * ((Math.Min(tokens, CpuDecoder.Most) * (_weights.Layers.Max(layer => (long)layer.Inputs.Rows + layer.GateUp.Rows) + (4L * Configuration.HiddenSize))) + (2L * LogitsStride));

    /// <inheritdoc/>
    public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        CpuCache[] made = [.. Enumerable.Range(0, count).Select(_ => new CpuCache(this, _weights, _kind, capacity))];
        _caches.UnionWith(made);
        return made;
    }

    /// <inheritdoc/>
    public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits)
    {
        CpuCache[] own = Own(caches);
        for (int row = 0; row < own.Length; row++)
        {
            Check(ids[row].Span);
            own[row].Reserve(own[row].Length + ids[row].Length);
        }

        _decoder.Scaling = _scaling();
        float* logits = Logits(own.Length);
        for (int row = 0; row < own.Length; row++)
        {
            ReadOnlySpan<int> left = ids[row].Span;
            while (left.Length > 0)
            {
                int count = Math.Min(CpuDecoder.Most, left.Length);
                bool last = count == left.Length;
                _decoder.Forward([own[row]], left[..count], wantLogits && last ? logits + ((long)row * LogitsStride) : null, LogitsStride);
                left = left[count..];
            }
        }

        return wantLogits ? ToTensor(own.Length) : null;
    }

    /// <inheritdoc/>
    public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
    {
        CpuCache[] own = Own(caches);
        int[] ids = [.. ids_B.data<long>().Select(id => (int)id)];
        Check(ids);
        foreach (CpuCache cache in own)
        {
            cache.Reserve(cache.Length + 1);
        }

        _decoder.Scaling = _scaling();
        float* logits = Logits((own.Length + 3) / 4 * 4);
        for (int first = 0; first < own.Length; first += CpuDecoder.Most)
        {
            int count = Math.Min(CpuDecoder.Most, own.Length - first);
            _decoder.Forward(own[first..(first + count)], ids.AsSpan(first, count), logits + ((long)first * LogitsStride), LogitsStride);
        }

        return ToTensor(own.Length);
    }

    /// <summary>Frees weights and caches, also those in use.</summary>
    public void Dispose()
    {
        foreach (CpuCache cache in _caches.ToArray())
        {
            cache.Dispose();
        }

        _decoder.Dispose();
        _weights.Dispose();
        _logits.Dispose();
    }

    /// <summary>A cache's memory is free again.</summary>
    internal void GiveBack(CpuCache cache) => _caches.Remove(cache);

    /// <summary>Reads and packs the weights of a folder one by one: memory holds them once.</summary>
    /// <param name="folder">Model folder.</param>
    /// <param name="type">float32 or bfloat16: the type of weights that are not kept in few bits, and of the cache.</param>
    /// <param name="weights">Bits of the matrices; null for <paramref name="type"/>.</param>
    /// <param name="memory">Bytes that caches and work may take; 0 asks the machine.</param>
    /// <param name="cache">How keys and values are kept.</param>
    /// <exception cref="HaloException">The folder is no complete model, or the kernels cannot run it.</exception>
    public static CpuRunner Load(string folder, ScalarType type = ScalarType.Float32, WeightFormat? weights = null, long memory = 0, CacheFormat cache = CacheFormat.Full) =>
        Load(folder, type, FormatOf(type, weights), memory, CpuPaths.Best, WorkerPool.Shared, cache);

    /// <summary>The same with kernels and threads of one's choice.</summary>
    internal static CpuRunner Load(string folder, ScalarType type, PackedFormat format, long memory, CpuPath path, WorkerPool pool, CacheFormat cache = CacheFormat.Full)
    {
        LibTorch.Initialize();
        ModelConfiguration configuration = ModelConfiguration.Load(folder);
        IReadOnlyDictionary<string, long[]> shapes = CausalLm.Shapes(configuration);
        using WeightFolder files = WeightFolder.Open(folder);
        WeightCheck.Verify(shapes, files);
        var samples = new Dictionary<string, Tensor>();
        Tensor Read(string name)
        {
            Tensor value = files.Read(name, type, CPU);
            CausalLm.RequireFinite(name, value, folder);
            samples[name] = ModelIdentity.Sample(value).DetachFromDisposeScope();
            return value;
        }

        try
        {
            return new CpuRunner(
                configuration, format, Read, memory, path, pool, () => ModelIdentity.Of(configuration, shapes.Keys.Select(name => samples[name])), cache);
        }
        finally
        {
            foreach (Tensor sample in samples.Values)
            {
                sample.Dispose();
            }
        }
    }

    private static PackedFormat FormatOf(ScalarType type, WeightFormat? weights) => weights switch
    {
        WeightFormat.Int8 => PackedFormat.Int8,
        WeightFormat.Int4 => PackedFormat.Int4,
        _ => type == ScalarType.Float32 ? PackedFormat.Float32 : PackedFormat.BFloat16,
    };

    private float* Logits(int rows)
    {
        long needed = (long)rows * LogitsStride * sizeof(float);
        if (_logits.Bytes < needed)
        {
            _logits.Dispose();
            _logits = new NativeBlock(needed);
        }

        return _logits.Floats;
    }

    private Tensor ToTensor(int rows)
    {
        Tensor made = empty([rows, Configuration.VocabSize], ScalarType.Float32);
        Span<byte> target = made.bytes;
        int bytes = Configuration.VocabSize * sizeof(float);
        for (int row = 0; row < rows; row++)
        {
            new Span<byte>(_logits.Floats + ((long)row * LogitsStride), bytes).CopyTo(target.Slice(row * bytes, bytes));
        }

        return made;
    }

    private void Check(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Configuration.VocabSize, nameof(ids));
        }
    }

    private CpuCache[] Own(IReadOnlyList<ISequenceCache> caches)
    {
        CpuCache[] own = [.. caches.Select(cache => cache is CpuCache one && ReferenceEquals(one.Runner, this) ? one : throw new ArgumentException("the cache is another runner's", nameof(caches)))];
        Array.ForEach(own, one => one.Require());
        return own.Distinct().Count() == own.Length ? own : throw new ArgumentException("a cache stands twice in one call", nameof(caches));
    }
}
