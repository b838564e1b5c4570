using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Neighbouring rows of a slab during one call. New states are kept aside until <see cref="Commit"/>, so that a call that fails changes nothing.</summary>
internal sealed class SlabView : ILayerCache, IDisposable
{
    private readonly CacheSlab _slab;
    private readonly SlabRow[] _rows;
    private readonly long _first;
    private readonly long _longest;
    private readonly Dictionary<int, Tensor> _states = [];
    private readonly Tensor? _rowIndex_B;
    private readonly Tensor? _place_B;

    /// <param name="rows">Rows of one slab, in the slab's order without gaps.</param>
    public SlabView(SlabRow[] rows)
    {
        _rows = rows;
        _slab = rows[0].Slab;
        _first = rows[0].Index;
        _longest = rows.Max(row => row.Length);
        if (rows.Any(row => row.Length != _longest))
        {
            Device device = _slab.Device;
            _rowIndex_B = arange(0, rows.Length, ScalarType.Int64, device).DetachFromDisposeScope();
            _place_B = tensor(rows.Select(row => (long)row.Length).ToArray()).to(device).DetachFromDisposeScope();
        }
    }

    /// <summary>The rows as a part of a call.</summary>
    public CallPart Part => new([.. _rows.Select(row => row.Length)], this);

    /// <inheritdoc/>
    public bool Rounds => _slab.IsInt8;

    /// <inheritdoc/>
    public (Tensor K_BHSD, Tensor V_BHSD) Append(int layer, Tensor k_BHTD, Tensor v_BHTD) => _slab.IsInt8
        ? (AppendCodes(_slab.Keys(layer), _slab.KeyScales(layer), k_BHTD), AppendCodes(_slab.Values(layer), _slab.ValueScales(layer), v_BHTD))
        : (Append(_slab.Keys(layer), k_BHTD), Append(_slab.Values(layer), v_BHTD));

    /// <inheritdoc/>
    public Tensor? State(int layer) => _slab.State(layer).narrow(0, _first, _rows.Length);

    /// <inheritdoc/>
    public void SetState(int layer, Tensor state_BHDD) => _states[layer] = state_BHDD.alias().DetachFromDisposeScope();

    /// <summary>The call has succeeded: its tokens count as read.</summary>
    public void Commit(int tokens)
    {
        foreach ((int layer, Tensor state_BHDD) in _states)
        {
            using Tensor target = _slab.State(layer).narrow(0, _first, _rows.Length);
            target.copy_(state_BHDD);
        }

        foreach (SlabRow row in _rows)
        {
            row.Length += tokens;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor state in _states.Values)
        {
            state.Dispose();
        }

        _rowIndex_B?.Dispose();
        _place_B?.Dispose();
    }

    private Tensor AppendCodes(Tensor codes, Tensor scales, Tensor new_BHTD)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor newCodes, Tensor newScales) = KeyValueCodes.Of(new_BHTD);
        return KeyValueCodes.Dense(Append(codes, newCodes), Append(scales, newScales), new_BHTD.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Adds to keys, values or scales (R,Hkv,capacity,...) what is new (B,Hkv,T,...).</summary>
    private Tensor Append(Tensor all, Tensor new_BHTD)
    {
        Tensor rows = all.narrow(0, _first, _rows.Length);
        if (_place_B is null)
        {
            long length = new_BHTD.shape[2];
            using Tensor place = rows.narrow(2, _longest, length);
            place.copy_(new_BHTD);
            return rows.narrow(2, 0, _longest + length);
        }

        using Tensor byToken = rows.transpose(1, 2);
        using Tensor new_BHD = new_BHTD.squeeze(2);
        byToken.index_put_(new_BHD, TensorIndex.Tensor(_rowIndex_B!), TensorIndex.Tensor(_place_B));
        return rows.narrow(2, 0, _longest + 1);
    }
}
