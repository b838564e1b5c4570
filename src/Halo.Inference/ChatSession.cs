using Halo.Core;
using Halo.Models;

namespace Halo.Inference;

/// <summary>
/// A conversation in token ids. What the model has read stays in its sequence, so that a prompt which begins with it costs only its new tokens. States of linear layers cannot
/// be shortened: a snapshot is kept of the first <c>stable</c> ids of each prompt, and is gone back to when the next prompt departs from the answer that was written.
/// Not safe for several threads at once.
/// </summary>
public sealed class ChatSession : IDisposable
{
    private readonly InferenceEngine _engine;
    private readonly bool _ownsEngine;
    private readonly Sequence _sequence;
    private SequenceSnapshot? _stable;
    private long _turn;

    /// <summary>Makes an empty session; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    public ChatSession(CausalLm model)
        : this(new InferenceEngine(model)) => _ownsEngine = true;

    /// <summary>Makes an empty session beside other sequences of an engine, which stays the caller's.</summary>
    /// <param name="engine">The engine.</param>
    public ChatSession(InferenceEngine engine)
    {
        _engine = engine;
        _sequence = engine.Create();
    }

    /// <summary>Ids that the model has read and remembers.</summary>
    public IReadOnlyList<int> Remembered => _sequence.Ids;

    /// <summary>Ids of the last prompt that did not have to be read again.</summary>
    public int Reused { get; private set; }

    /// <summary>Continues a prompt until a stop id, the most tokens or a cancellation between tokens, which ends the answer and nothing else.</summary>
    /// <param name="prompt">The whole conversation so far, at least one id.</param>
    /// <param name="options">How to write; the draws of each call differ.</param>
    /// <param name="stable">How many ids of the prompt the next prompt is expected to begin with; 0 where that is not known.</param>
    /// <param name="onToken">Called with each new id as soon as it is known.</param>
    /// <param name="cancellation">Stops the answer.</param>
    /// <returns>The new ids, stop ids left out; those written so far after a cancellation.</returns>
    /// <exception cref="HaloException">The prompt is empty or holds an id outside the vocabulary, an option is out of range, or memory runs out.</exception>
    public int[] Continue(int[] prompt, GenerationOptions options, int stable = 0, Action<int>? onToken = null, CancellationToken cancellation = default)
    {
        Checks.Options(options, prompt.Length, "the conversation");
        Checks.Prompt(prompt, _engine.Configuration.VocabSize, "the conversation");
        GoBack(prompt);
        Reused = _sequence.Length;
        try
        {
            stable = Math.Clamp(stable, 0, prompt.Length - 1);
            if (_sequence.Length < stable)
            {
                _engine.Read(_sequence, prompt[_sequence.Length..stable], cancellation);
                _stable?.Dispose();
                _stable = _engine.Snapshot(_sequence);
            }

            GenerationOptions drawn = options with { FirstRow = options.FirstRow + _turn++ };
            return _engine.Generate(_sequence, prompt[_sequence.Length..], drawn, token => onToken?.Invoke(token.Id), cancellation).Ids;
        }
        catch (OperationCanceledException)
        {
            return []; // Whole blocks were read: the sequence is true.
        }
    }

    /// <summary>Forgets the conversation.</summary>
    public void Reset()
    {
        _sequence.Clear();
        _stable?.Dispose();
        _stable = null;
        _turn = 0;
    }

    /// <summary>Frees the memory of the conversation.</summary>
    public void Dispose()
    {
        _stable?.Dispose();
        _sequence.Dispose();
        if (_ownsEngine)
        {
            _engine.Dispose();
        }
    }

    // At least one id must be left to read, as the logits after it are wanted.
    private void GoBack(int[] prompt)
    {
        if (Begins(prompt, _sequence.Ids))
        {
            return;
        }

        if (_stable is not null && Begins(prompt, _stable.Ids))
        {
            _engine.Restore(_sequence, _stable);
        }
        else
        {
            _sequence.Clear();
        }
    }

    private static bool Begins(int[] prompt, IReadOnlyList<int> ids) => ids.Count < prompt.Length && prompt.Take(ids.Count).SequenceEqual(ids);
}
