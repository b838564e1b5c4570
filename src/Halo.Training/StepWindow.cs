using System.Text.Json.Nodes;
using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>Figures of the steps since the last log entry. They stay on the device until they are read, in one transfer.</summary>
internal sealed class StepWindow : IDisposable
{
    private readonly List<(long Step, Tensor Loss, Tensor Norm, Dictionary<string, Tensor> Extras)> _pending = [];
    private readonly List<double> _losses = [];
    private double _norm = double.NaN;
    private Dictionary<string, JsonNode> _extras = [];

    /// <summary>Mean loss of the steps read since <see cref="Clear"/>.</summary>
    public double MeanLoss => _losses.Count == 0 ? double.NaN : _losses.Average();

    /// <summary>Gradient norm of the last step read.</summary>
    public double Norm => _norm;

    /// <summary>Extras of the last step read.</summary>
    public IReadOnlyDictionary<string, JsonNode> Extras => _extras;

    /// <summary>Takes over a step's tensors.</summary>
    public void Add(long step, Tensor loss, Tensor norm, Dictionary<string, Tensor> extras) => _pending.Add(
        (step, loss.DetachFromDisposeScope(), norm.DetachFromDisposeScope(), extras.ToDictionary(pair => pair.Key, pair => pair.Value.DetachFromDisposeScope())));

    /// <summary>Waits for the device and reads what is pending.</summary>
    /// <returns>The first step (1-based) whose loss or norm is not finite; null when all are.</returns>
    public (long Step, double Loss, double Norm)? Read()
    {
        if (_pending.Count == 0)
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor[] figures = [.. _pending.SelectMany(step => new[] { step.Loss.to(ScalarType.Float64), step.Norm.to(ScalarType.Float64) })];
        double[] values = stack(figures).cpu().data<double>().ToArray();
        (long Step, double Loss, double Norm)? bad = null;
        for (int i = 0; i < _pending.Count; i++)
        {
            double loss = values[2 * i];
            _norm = values[(2 * i) + 1];
            _losses.Add(loss);
            if (bad is null && !(double.IsFinite(loss) && double.IsFinite(_norm)))
            {
                bad = (_pending[i].Step, loss, _norm);
            }
        }

        _extras = _pending[^1].Extras.ToDictionary(pair => pair.Key, pair => Node(pair.Value));
        DisposePending();
        return bad;
    }

    /// <summary>Begins a new window.</summary>
    public void Clear() => _losses.Clear();

    public void Dispose() => DisposePending();

    private static JsonNode Node(Tensor figures)
    {
        double[] values = figures.to(ScalarType.Float64).cpu().data<double>().ToArray();
        return figures.dim() == 0 ? JsonValue.Create(values[0]) : new JsonArray([.. values.Select(value => (JsonNode)JsonValue.Create(value))]);
    }

    private void DisposePending()
    {
        foreach ((_, Tensor loss, Tensor norm, Dictionary<string, Tensor> extras) in _pending)
        {
            loss.Dispose();
            norm.Dispose();
            foreach (Tensor extra in extras.Values)
            {
                extra.Dispose();
            }
        }

        _pending.Clear();
    }
}
