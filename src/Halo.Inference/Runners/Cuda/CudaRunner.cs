using Halo.Core;
using Halo.Kernels.Cuda;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Runs a model on a GPU: prompts with libtorch's operations and the fused kernels, as <see cref="TensorRunner"/> does, single tokens with Halo's decoding kernels, a whole
/// step recorded as one CUDA graph for each of the batch sizes 1, 2, 4, ... 64. Larger batches go as in <see cref="TensorRunner"/>.
/// </summary>
public sealed class CudaRunner : IModelRunner
{
    private const int MostSequences = 64;
    private readonly CausalLm _model;
    private readonly TensorRunner _tensors;
    private readonly CudaWeights _weights;
    private readonly CacheSlab _spare;
    private readonly Dictionary<int, CudaStep> _steps = [];
    private LogitsScaling? _scaling;
    private (Tensor Logits_BV, CudaStep Step)? _last;

    /// <summary>Makes a runner; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="memory">Bytes that caches and work may take; 0 asks the machine.</param>
    /// <exception cref="HaloException">The kernels cannot run this model, or not here.</exception>
    public CudaRunner(CausalLm model, long memory = 0)
    {
        if (CudaWeights.WhyNot(model) is { } reason)
        {
            throw new HaloException(reason, "--runner cuda", $"use --runner {ModelRunners.Tensors}");
        }

        (_model, _scaling) = (model, model.LogitsScaling);
        _tensors = new TensorRunner(model, memory);
        _weights = new CudaWeights(model);
        _spare = new CacheSlab(model, 1, CacheSlab.Page);
    }

    /// <summary>Whether a step is recorded and replayed as one; else its kernels are launched one by one, with the same results.</summary>
    public bool UsesGraphs { get; set; } = CudaGraph.CanRecord;

    /// <summary>Whether one kernel does all layers of a single sequence's step, where it can; else each product and mixer has its own.</summary>
    internal bool UsesWholeSteps { get; init; } = true;

    /// <summary>Whether one kernel does so for this model, here.</summary>
    internal bool HasWholeSteps => Step(1).IsWhole;

    /// <inheritdoc/>
    public string Name => ModelRunners.Cuda;

    /// <inheritdoc/>
    public ModelConfiguration Configuration => _tensors.Configuration;

    /// <inheritdoc/>
    public string Identity => _tensors.Identity;

    /// <inheritdoc/>
    public Device Device => _tensors.Device;

    /// <inheritdoc/>
    public ScalarType CacheType => _tensors.CacheType;

    /// <inheritdoc/>
    public long WeightBytes => _tensors.WeightBytes;

    /// <inheritdoc/>
    public long FreeBytes => _tensors.FreeBytes;

    /// <summary>Whether the kernels can run a model where it is.</summary>
    /// <param name="model">The model.</param>
    public static bool CanRun(CausalLm model) => CudaWeights.WhyNot(model) is null;

    /// <inheritdoc/>
    public long CacheBytes(long length) => _tensors.CacheBytes(length);

    /// <inheritdoc/>
    public long WorkBytes(long tokens) => _tensors.WorkBytes(tokens);

    /// <inheritdoc/>
    public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity) => _tensors.Allocate(count, capacity);

    /// <inheritdoc/>
    public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits) =>
        ids[0].Length > 1 ? _tensors.Prefill(caches, ids, wantLogits) : PrefillSingle(caches, ids, wantLogits);

    /// <inheritdoc/>
    public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
    {
        _last = null;
        if (caches.Count > MostSequences)
        {
            return _tensors.Decode(caches, ids_B);
        }

        SlabRow[] rows = _tensors.Rows(caches);
        TensorRunner.Reserve(rows, 1);
        CudaStep step = Step(rows.Length);
        step.Run(rows, ids_B, UsesGraphs);
        foreach (SlabRow row in rows)
        {
            row.Length++;
        }

        using IDisposable constant = no_grad();
        using Tensor all_BV = step.Logits_BV.narrow(0, 0, rows.Length);
        Tensor logits_BV = all_BV.clone();
        _last = (logits_BV, step);
        return logits_BV;
    }

    /// <inheritdoc/>
    public Tensor? Likeliest(Tensor logits_BV) => _last is { } last && ReferenceEquals(last.Logits_BV, logits_BV) ? last.Step.Ids_B.narrow(0, 0, logits_BV.shape[0]) : null;

    /// <summary>Frees the caches, also those in use.</summary>
    public void Dispose()
    {
        DropSteps();
        _spare.Dispose();
        _weights.Dispose();
        _tensors.Dispose();
    }

    private Tensor? PrefillSingle(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids_B = HostIds.ToDevice([.. ids.Select(row => (long)row.Span[0])], [ids.Count], Device);
        Tensor logits_BV = Decode(caches, ids_B);
        return wantLogits ? logits_BV.MoveToOuterDisposeScope() : null;
    }

    private CudaStep Step(int sequences)
    {
        if (_scaling != _model.LogitsScaling)
        {
            DropSteps();
            _scaling = _model.LogitsScaling;
        }

        int batch = 1;
        while (batch < sequences)
        {
            batch *= 2;
        }

        if (!_steps.TryGetValue(batch, out CudaStep? step))
        {
            _steps[batch] = step = new CudaStep(_model, _weights, batch, _spare, UsesWholeSteps);
        }

        return step;
    }

    private void DropSteps()
    {
        _last = null;
        foreach (CudaStep step in _steps.Values)
        {
            step.Dispose();
        }

        _steps.Clear();
    }
}
