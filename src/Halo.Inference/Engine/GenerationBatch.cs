using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Requests that are being written. Each <see cref="Step"/> reads a block of the prompts that are new, and one token of every sequence that is being written;
/// requests may be added between steps, and end each by itself.
/// </summary>
/// <param name="engine">The engine of the sequences.</param>
public sealed class GenerationBatch(InferenceEngine engine)
{
    private readonly PromptReader _reader = engine.Reader();
    private readonly List<Writing> _new = [];
    private readonly List<Writing> _writing = [];

    /// <summary>Requests that have not ended.</summary>
    public int Count => _new.Count + _writing.Count;

    /// <summary>Adds a request.</summary>
    /// <param name="request">The request; its sequence must not be in another that has not ended.</param>
    /// <param name="onEnd">Called when it has ended.</param>
    /// <exception cref="HaloException">Nothing to read, an id outside the vocabulary, an option out of range, a prompt longer than memory allows, a sequence of another engine: the others go on.</exception>
    public void Add(GenerationRequest request, Action<GenerationResult> onEnd)
    {
        Checks.Options(request.Options, request.Prompt.Count + request.Sequence.Length, $"prompt {request.Row}");
        engine.Check([request.Sequence], [request.Prompt], request.Options.MaxTokens, mayBeEmpty: true);
        if (_new.Concat(_writing).Any(other => ReferenceEquals(other.Request.Sequence, request.Sequence)))
        {
            throw new ArgumentException("the sequence is being written already", nameof(request));
        }

        _new.Add(new Writing(request, onEnd));
        if (request.Prompt.Count > 0)
        {
            _reader.Add(request.Sequence, [.. request.Prompt]);
        }
    }

    /// <summary>Does a step; false when no request is left.</summary>
    /// <exception cref="HaloException">Memory ran out; all sequences are as before the step.</exception>
    public bool Step()
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        EndCancelled();
        if (_new.Count > 0 && !_reader.Step())
        {
            // Those that came together begin together, so that steps are few and wide.
            _writing.AddRange(_new);
            _new.Clear();
        }

        if (_writing.Count > 0)
        {
            Write();
        }

        return Count > 0;
    }

    private void Write()
    {

        (Tensor ids_B, GeneratedToken[] tokens) = TokenChooser.Choose(_writing);
        var left = new List<int>();
        for (int i = 0; i < tokens.Length; i++)
        {
            if (_writing[i].Take(tokens[i]) is { } reason)
            {
                _writing[i].End(reason);
            }
            else
            {
                left.Add(i);
            }
        }

        if (left.Count < tokens.Length)
        {
            ids_B = left.Count == 0 ? ids_B : ids_B.index_select(0, HostIds.ToDevice([.. left.Select(place => (long)place)], [left.Count], ids_B.device));
            Writing[] kept = [.. left.Select(place => _writing[place])];
            _writing.Clear();
            _writing.AddRange(kept);
        }

        if (left.Count > 0)
        {
            engine.Step([.. _writing.Select(one => one.Request.Sequence)], [.. left.Select(place => tokens[place].Id)], ids_B);
        }
    }

    private void EndCancelled()
    {
        foreach (Writing one in _new.Concat(_writing).Where(one => one.Request.Cancellation.IsCancellationRequested).ToArray())
        {
            _reader.Remove(one.Request.Sequence);
            _new.Remove(one);
            _writing.Remove(one);
            one.End(EndReason.Cancelled);
        }
    }
}
