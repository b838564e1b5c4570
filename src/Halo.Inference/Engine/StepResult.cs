using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>A step that was launched: one id of each of several sequences, which must be noted before anything else is done with them.</summary>
internal sealed class StepResult : IDisposable
{
    private readonly IModelRunner _runner;
    private readonly IReadOnlyList<Sequence> _sequences;
    private readonly Tensor[] _each;

    /// <param name="runner">What did it.</param>
    /// <param name="sequences">B sequences.</param>
    /// <param name="logits_BV">Logits after the step; become its own.</param>
    public StepResult(IModelRunner runner, IReadOnlyList<Sequence> sequences, Tensor logits_BV)
    {
        (_runner, _sequences) = (runner, sequences);
        _each = [.. Enumerable.Range(0, sequences.Count).Select(row => logits_BV.narrow(0, row, 1).DetachFromDisposeScope())];
        Logits_BV = logits_BV.DetachFromDisposeScope();
    }

    /// <summary>float32.</summary>
    public Tensor Logits_BV { get; }

    /// <summary>int64 (B), right until the runner's next call; null where they are not known.</summary>
    public Tensor? Likeliest() => _runner.Likeliest(Logits_BV);

    /// <summary>Tells the sequences what they have read.</summary>
    public void Note(ReadOnlySpan<int> ids)
    {
        for (int row = 0; row < _sequences.Count; row++)
        {
            _sequences[row].Extend([ids[row]], _each[row]);
        }
    }

    /// <summary>Whether the logits of these requests, in this order, are those of the step.</summary>
    public bool IsOf(IReadOnlyList<Writing> rows)
    {
        bool same = rows.Count == _each.Length;
        for (int row = 0; same && row < rows.Count; row++)
        {
            same = ReferenceEquals(rows[row].Request.Sequence.Logits_1V, _each[row]);
        }

        return same;
    }

    /// <inheritdoc/>
    public void Dispose() => Logits_BV.Dispose();
}
