using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// A conversation in token ids. What the model has read stays in its cache, so that a prompt which begins with it costs only its new tokens. States of linear layers cannot
/// be shortened: a copy is kept of the state after the first <c>stable</c> ids of each prompt, and is gone back to when the next prompt departs from the answer that was written.
/// Not safe for several threads at once.
/// </summary>
public sealed class ChatSession : IDisposable
{
    private readonly CausalLm _model;
    private readonly MemoryPlan _plan;
    private readonly HybridCache _cache;
    private readonly List<int> _read = [];
    private HybridSnapshot? _stable;
    private int[] _stableIds = [];
    private long _turn;

    /// <summary>Makes an empty session; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    public ChatSession(CausalLm model)
    {
        _model = model;
        _plan = new MemoryPlan(model);
        _cache = HybridCache.Create(model, 1);
    }

    /// <summary>Ids that the model has read and remembers.</summary>
    public IReadOnlyList<int> Remembered => _read;

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
        Checks.Prompts([prompt], options, _model.Configuration.VocabSize);
        var answer = new List<int>();
        bool whole = false;
        try
        {
            using IDisposable constant = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor? logits_1V = Read(prompt, Math.Clamp(stable, 0, prompt.Length - 1), cancellation);
            GenerationOptions drawn = options with { FirstRow = options.FirstRow + _turn++ };
            while (logits_1V is not null && Choose(ref logits_1V, drawn, answer, onToken) is { } id && answer.Count < options.MaxTokens && !cancellation.IsCancellationRequested)
            {
                logits_1V = Step([id]);
            }

            whole = true;
            return [.. answer];
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            throw new HaloException($"out of memory with {prompt.Length + answer.Count} tokens of conversation", _model.Device.ToString(), "begin a new conversation, or use a device with more memory", error);
        }
        finally
        {
            if (!whole)
            {
                Reset(); // A call that broke off in the middle of the layers leaves a cache that is no longer true.
            }
        }
    }

    /// <summary>Forgets the conversation.</summary>
    public void Reset()
    {
        _cache.Reset();
        _read.Clear();
        _stable?.Dispose();
        _stable = null;
        _stableIds = [];
        _turn = 0;
    }

    /// <summary>Frees the memory of the cache.</summary>
    public void Dispose()
    {
        _stable?.Dispose();
        _cache.Dispose();
    }

    /// <summary>Reads what is new of a prompt; the logits after it, (1,V), or null after a cancellation.</summary>
    private Tensor? Read(int[] prompt, int stable, CancellationToken cancellation)
    {
        GoBack(prompt);
        Reused = _read.Count;
        int block = _plan.Block(1, prompt.Length);
        Tensor? logits_1V = null;
        while (_read.Count < prompt.Length)
        {
            if (cancellation.IsCancellationRequested)
            {
                return null;
            }

            int end = _read.Count < stable ? stable : prompt.Length;
            logits_1V?.Dispose();
            logits_1V = Step(prompt[_read.Count..Math.Min(end, _read.Count + block)]);
            if (_read.Count == stable)
            {
                _stable?.Dispose();
                _stable = _cache.Snapshot();
                _stableIds = [.. _read];
            }
        }

        return logits_1V;
    }

    // At least one id must be left to read, as the logits after it are wanted.
    private void GoBack(int[] prompt)
    {
        if (Begins(prompt, _read))
        {
            return;
        }

        if (_stable is not null && Begins(prompt, _stableIds))
        {
            _cache.Restore(_stable);
            _read.Clear();
            _read.AddRange(_stableIds);
        }
        else
        {
            _cache.Reset();
            _read.Clear();
        }
    }

    private static bool Begins(int[] prompt, IReadOnlyList<int> ids) => ids.Count < prompt.Length && prompt.Take(ids.Count).SequenceEqual(ids);

    private Tensor Step(int[] ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids_1T = tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]).to(_model.Device);
        Tensor logits_1V = _model.Logits(_model.Hidden(ids_1T, null, _cache).select(1, ids.Length - 1)).MoveToOuterDisposeScope();
        _read.AddRange(ids);
        return logits_1V;
    }

    /// <summary>The next id, or null where it ends the answer.</summary>
    private static int? Choose(ref Tensor logits_1V, GenerationOptions options, List<int> answer, Action<int>? onToken)
    {
        using DisposeScope scope = NewDisposeScope();
        int id = (int)Sampler.Choose(logits_1V, options, [0], answer.Count).cpu().item<long>();
        logits_1V.Dispose();
        if (options.StopIds.Contains(id))
        {
            return null;
        }

        answer.Add(id);
        onToken?.Invoke(id);
        return options.EndsRow?.Invoke(0, id) ?? false ? null : id;
    }
}
