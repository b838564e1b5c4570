using Halo.Kernels.Cuda;
using Halo.Kernels.Decoding;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// A decoding step of up to B sequences at fixed addresses: room for what is computed, tables of where the sequences' caches lie, and the step's kernels, recorded once and
/// replayed as one. Positions move on by themselves, so that the next step of the same sequences needs nothing from the host but the ids.
/// </summary>
internal sealed class CudaStep : IDisposable
{
    private readonly CausalLm _model;
    private readonly CudaWeights _weights;
    private readonly CacheSlab _spare;
    private readonly List<Tensor> _all = [];
    private readonly Tensor _x_Bd;
    private readonly Tensor _projected;
    private readonly Tensor _mixed;
    private readonly Tensor _inner;
    private readonly DecodeRoom _room;
    private readonly Tensor _positions_B;
    private readonly Tensor _tables;
    private readonly Tensor _values;
    private readonly Tensor _places;
    private readonly int[] _tableStarts;
    private readonly int _splits = 1;
    private readonly int _device;
    private readonly Tensor _steps;
    private readonly DecodeStep? _whole;
    private readonly CudaGraph?[] _graphs = new CudaGraph?[2];
    private (CacheSlab Slab, int Index, int Capacity)[] _known = [];
    private int[] _lengths = [];

    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="batch">B.</param>
    /// <param name="spare">A row that nobody reads, for places that no sequence takes.</param>
    /// <param name="whole">Whether one kernel may do all layers of a single sequence.</param>
    public CudaStep(CausalLm model, CudaWeights weights, int batch, CacheSlab spare, bool whole)
    {
        (_model, _weights, _spare, Batch) = (model, weights, spare, batch);
        ModelConfiguration c = model.Configuration;
        using IDisposable normal = inference_mode(false);
        Tensor Make(ScalarType type, params long[] shape)
        {
            Tensor made = zeros(shape, type, model.Device).DetachFromDisposeScope();
            _all.Add(made);
            return made;
        }

        _device = weights.Embedding.Weight_NK.device_index;
        int mixed = weights.Layers.Max(layer => layer.Heads.Heads * layer.Heads.Size);
        _x_Bd = Make(weights.Type, batch, c.HiddenSize);
        _projected = Make(weights.Type, batch, weights.Layers.Max(layer => layer.Projected));
        _mixed = Make(weights.Type, batch, mixed);
        _inner = Make(weights.Type, batch, c.IntermediateSize);
        Logits_BV = Make(ScalarType.Float32, batch, c.VocabSize);
        Ids_B = Make(ScalarType.Int64, batch);
        _positions_B = Make(ScalarType.Int32, batch);
        _tableStarts = new int[weights.Layers.Count + 1];
        for (int layer = 0; layer < weights.Layers.Count; layer++)
        {
            _tableStarts[layer + 1] = _tableStarts[layer] + (batch * (weights.Layers[layer].IsAttention ? DecodeMixers.Entries : 1));
        }

        _tables = Make(ScalarType.Int64, _tableStarts[^1]);
        long partial = 0;
        if (weights.Layers.FirstOrDefault(layer => layer.IsAttention) is { } attention)
        {
            _splits = DecodeMixers.Splits(batch, attention.Heads.KeyHeads, _device);
            partial = DecodeMixers.PartialSize(batch, attention.Heads, _splits);
        }

        // Kernels work one after the other, so that mixers and products can share what is between blocks.
        partial = Products(weights).Max(product => Math.Max(partial, DecodeProducts.PartialSize(product.Matrices, product.Epilogue, batch)));
        _room = new DecodeRoom(
            Make(weights.Type, batch, Math.Max(mixed, Math.Max(c.HiddenSize, c.IntermediateSize))),
            Make(ScalarType.Float32, Math.Max(1, partial)),
            Make(ScalarType.Int32, Math.Max((long)batch * c.NumKeyValueHeads, DecodeProducts.CountersSize(batch, _device))));
        _values = Make(ScalarType.Float32, batch * DecodeEnds.Parts);
        _places = Make(ScalarType.Int32, batch * DecodeEnds.Parts);
        _steps = Make(ScalarType.Int32, 1);
        long[] tables = [.. _tableStarts[..^1].Select(start => KernelArgument.Data(_tables) + ((long)start * sizeof(long)))];
        _whole = whole && batch == 1 ? DecodeStep.For(weights.Layers, weights.Head, weights.FinalNorm_d, tables, spare.IsInt8) : null;
    }

    /// <summary>B.</summary>
    public int Batch { get; }

    /// <summary>Whether one kernel does all layers, up to <see cref="DecodeStep.MostContext"/>.</summary>
    public bool IsWhole => _whole is not null;

    /// <summary>Ids that are read, int64; after the step the likeliest next ones.</summary>
    public Tensor Ids_B { get; }

    /// <summary>Logits of the last step, float32.</summary>
    public Tensor Logits_BV { get; }

    /// <summary>Reads one id of each of several rows; their slabs must have room.</summary>
    /// <param name="rows">At most B rows; their lengths are still those before the step.</param>
    /// <param name="ids">Their ids, int64.</param>
    /// <param name="record">Whether to replay the step as one.</param>
    public void Run(SlabRow[] rows, Tensor ids, bool record)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool whole = _whole is not null && rows[0].Length < DecodeStep.MostContext;
        ref CudaGraph? graph = ref _graphs[whole ? 1 : 0];
        if (record && graph is null)
        {
            // What is launched for the first time is loaded then, which cannot be recorded: a step of spare rows comes first.
            // It writes ids, among which those that are to be read may lie.
            ids = ids.clone();
            Fill([]);
            Launch(whole);
            graph = CudaGraph.Record(_device, () => Launch(whole));
        }

        if (!Knows(rows))
        {
            Fill(rows);
        }

        // Those of the last step lie there already (CudaRunner.Likeliest).
        if (KernelArgument.Data(ids) != KernelArgument.Data(Ids_B))
        {
            Ids_B.narrow(0, 0, rows.Length).copy_(ids);
        }

        _lengths = []; // Should the launch fail, nobody knows what the device has.
        if (record)
        {
            graph!.Launch();
        }
        else
        {
            Launch(whole);
        }

        _lengths = [.. rows.Select(row => row.Length + 1)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Array.ForEach(_graphs, graph => graph?.Dispose());
        _whole?.Dispose();
        _all.ForEach(one => one.Dispose());
    }

    private bool Knows(SlabRow[] rows)
    {
        if (rows.Length != _known.Length || rows.Length != _lengths.Length)
        {
            return false;
        }

        for (int i = 0; i < rows.Length; i++)
        {
            if (!ReferenceEquals(_known[i].Slab, rows[i].Slab) || _known[i].Index != rows[i].Index || _known[i].Capacity != rows[i].Slab.Capacity || _lengths[i] != rows[i].Length)
            {
                return false;
            }
        }

        return true;
    }

    private void Fill(SlabRow[] rows)
    {
        var tables = new long[_tableStarts[^1]];
        var positions = new int[Batch];
        for (int place = 0; place < Batch; place++)
        {
            (CacheSlab slab, int index) = place < rows.Length ? (rows[place].Slab, rows[place].Index) : (_spare, 0);
            positions[place] = place < rows.Length ? rows[place].Length : -1;
            for (int layer = 0; layer < _weights.Layers.Count; layer++)
            {
                if (_weights.Layers[layer].IsAttention)
                {
                    Span<long> entry = tables.AsSpan(_tableStarts[layer] + (place * DecodeMixers.Entries), DecodeMixers.Entries);
                    entry[0] = Address(slab.Keys(layer), index);
                    entry[1] = Address(slab.Values(layer), index);
                    entry[2] = slab.Capacity;
                    entry[3] = slab.IsInt8 ? Address(slab.KeyScales(layer), index) : 0;
                    entry[4] = slab.IsInt8 ? Address(slab.ValueScales(layer), index) : 0;
                }
                else
                {
                    tables[_tableStarts[layer] + place] = Address(slab.State(layer), index);
                }
            }
        }

        _tables.copy_(tensor(tables));
        _positions_B.copy_(tensor(positions));
        _known = [.. rows.Select(row => (row.Slab, row.Index, row.Slab.Capacity))];
        _lengths = [.. rows.Select(row => row.Length)];
    }

    private void Launch(bool whole)
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfiguration c = _model.Configuration;
        LogitsScaling? scaling = _model.LogitsScaling;
        DecodeEnds.Embed(Ids_B, _weights.Embedding, _x_Bd);
        if (whole)
        {
            _whole!.Launch(
                _x_Bd, Logits_BV, _positions_B, _weights.Slopes_H, (float)c.RmsNormEps, (float)c.LightningScaleValue, (float)(scaling?.Base ?? 0), (float)(scaling?.Constant ?? 1), _steps);
        }
        else
        {
            LaunchLayers(c, scaling);
        }

        DecodeEnds.Finish(Logits_BV, Ids_B, _positions_B, _values, _places, _room.Counters, _steps);
    }

    private void LaunchLayers(ModelConfiguration c, LogitsScaling? scaling)
    {
        for (int index = 0; index < _weights.Layers.Count; index++)
        {
            DecodeLayer layer = _weights.Layers[index];
            int width = layer.Heads.Heads * layer.Heads.Size;
            Tensor mixed = _mixed.narrow(1, 0, width), table = _tables.narrow(0, _tableStarts[index], _tableStarts[index + 1] - _tableStarts[index]);
            Product(layer.Inputs, new DecodeInput(_x_Bd, layer.InputNorm_d, c.RmsNormEps), _projected, DecodeEpilogue.Store);
            if (layer.IsAttention)
            {
                DecodeMixers.Attention(
                    layer.Heads, _projected, _spare.IsInt8, table, _positions_B, (float)(scaling?.Base ?? 0), (float)(scaling?.Constant ?? 1), _splits, _room.Partial, _room.Counters, mixed);
            }
            else
            {
                DecodeMixers.Lightning(layer.Heads, _projected, _weights.Slopes_H!, table, _positions_B, (float)c.LightningScaleValue, mixed);
            }

            Tensor? gate = layer.HasGate ? _projected.narrow(1, layer.Heads.GateOffset, width) : null;
            Product([layer.Output], new DecodeInput(mixed, layer.OutputNorm, c.RmsNormEps, gate), _x_Bd, DecodeEpilogue.Add);
            Product(layer.GateUp, new DecodeInput(_x_Bd, layer.PostNorm_d, c.RmsNormEps), _inner, DecodeEpilogue.SwiGlu);
            Product([layer.Down], new DecodeInput(_inner), _x_Bd, DecodeEpilogue.Add);
        }

        Product([_weights.Head], new DecodeInput(_x_Bd, _weights.FinalNorm_d, c.RmsNormEps), Logits_BV, DecodeEpilogue.Logits);
    }

    private static IEnumerable<(DecodeMatrix[] Matrices, DecodeEpilogue Epilogue)> Products(CudaWeights weights) =>
        weights.Layers.SelectMany(layer => new[] { (layer.Inputs, DecodeEpilogue.Store), ([layer.Output], DecodeEpilogue.Add), (layer.GateUp, DecodeEpilogue.SwiGlu), ([layer.Down], DecodeEpilogue.Add) })
            .Append(([weights.Head], DecodeEpilogue.Logits));

    private void Product(DecodeMatrix[] matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue) => DecodeProducts.Launch(matrices, input, output, epilogue, _room);

    /// <summary>Where a row of a tensor begins.</summary>
    private static long Address(Tensor rows, int index) => KernelArgument.Data(rows) + (index * rows.stride(0) * rows.element_size());
}
