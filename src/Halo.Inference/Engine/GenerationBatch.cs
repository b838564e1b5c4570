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
    private StepResult? _last;

    /// <summary>Requests that have not ended.</summary>
    public int Count => _new.Count + _writing.Count;

    /// <summary>Whether the next tokens are read before the host has seen them, where nothing speaks against it: a GPU then never waits for the host.</summary>
    internal bool ReadsAhead { get; init; } = engine.ReadsAhead && engine.Device.type == DeviceType.CUDA;

    /// <summary>Called in each step that writes when its ids have come to the host: a clock's place. It must not touch the sequences.</summary>
    internal Action? OnIds { get; init; }

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

    /// <summary>Does a step; false when no request is left. What a callback throws comes out of it, and the batch must not be gone on with: each sequence holds what its ids say.</summary>
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

        if (_writing.Count == 0)
        {
            _last?.Dispose();
            _last = null;
        }

        return Count > 0;
    }

    private void Write()
    {
        // What may end by surprise must not have read its last token, nor may who listens find it read: states of linear layers do not go back.
        if (ReadsAhead && _writing.TrueForAll(one => one.MayBeReadAhead))
        {
            WriteAhead();
        }
        else
        {
            WriteInOrder();
        }
    }

    private void WriteInOrder()
    {
        (Tensor ids_B, GeneratedToken[] tokens) = TokenChooser.Choose(_writing, _last);
        OnIds?.Invoke();
        EndReason?[] ends = [.. _writing.Select((one, row) => one.Take(tokens[row]))];
        int[] left = Left(row => ends[row] is null);
        Writing[] all = [.. _writing];
        Keep(left);
        for (int row = 0; row < all.Length; row++)
        {
            if (ends[row] is { } reason)
            {
                all[row].End(reason);
            }
        }

        Launch(Part(ids_B, left))?.Note([.. left.Select(row => tokens[row].Id)]);
    }

    /// <summary>The same where all is known beforehand: the step is launched while the ids are on their way to the host.</summary>
    private void WriteAhead()
    {
        Tensor ids_B = TokenChooser.Ids(_writing, _last);
        using var coming = new IdsOnTheWay(ids_B);
        Writing[] all = [.. _writing];
        int[] left = Left(row => !all[row].IsAtLast);
        Keep(left);
        StepResult? step;
        try
        {
            step = Launch(Part(ids_B, left));
        }
        catch
        {
            Keep(all);
            throw;
        }

        int[] ids = coming.Wait();
        OnIds?.Invoke();
        step?.Note([.. left.Select(row => ids[row])]);
        EndReason?[] ends = [.. all.Select((one, row) => one.Take(new GeneratedToken(ids[row], float.NaN, [])))];
        for (int row = 0; row < all.Length; row++)
        {
            if (ends[row] is { } reason)
            {
                all[row].End(reason); // The first word of a caller's: all sequences hold what was written by now.
            }
        }
    }

    private int[] Left(Func<int, bool> stays) => [.. Enumerable.Range(0, _writing.Count).Where(stays)];

    private void Keep(int[] rows) => Keep([.. rows.Select(row => _writing[row])]);

    private void Keep(Writing[] kept)
    {
        if (kept.Length != _writing.Count)
        {
            _writing.Clear();
            _writing.AddRange(kept);
        }
    }

    private static Tensor Part(Tensor ids_B, int[] rows) =>
        rows.Length == 0 || rows.Length == ids_B.shape[0] ? ids_B : ids_B.index_select(0, HostIds.ToDevice([.. rows.Select(row => (long)row)], [rows.Length], ids_B.device));

    /// <summary>Launches the step of those that are being written; null where none are left.</summary>
    private StepResult? Launch(Tensor ids_B)
    {
        StepResult? step = _writing.Count == 0 ? null : engine.Launch([.. _writing.Select(one => one.Request.Sequence)], ids_B);
        _last?.Dispose();
        return _last = step;
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
