using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Runs sequences of one model: reads prompts in blocks, goes on with many sequences of different lengths in one step, samples where the logits lie, keeps and restores what was read.
/// Token ids only; text is the caller's. Whatever is refused or cancelled leaves all sequences as they were. Not safe for several threads at once.
/// </summary>
public sealed class InferenceEngine : IDisposable
{
    private readonly IModelRunner _runner;
    private readonly bool _ownsRunner;
    private readonly CausalLm? _model;

    /// <summary>An engine on a runner that is made for it; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="memory">Bytes that sequences and work may take; 0 asks the machine.</param>
    /// <param name="runner">One of <see cref="ModelRunners.Names"/>.</param>
    /// <param name="weights">Bits of the matrices; null for the parameters' own type. Where libtorch computes, the model itself is rounded.</param>
    /// <exception cref="HaloException">The name is unknown, or that runner cannot run this model.</exception>
    public InferenceEngine(CausalLm model, long memory = 0, string runner = ModelRunners.Automatic, WeightFormat? weights = null)
    {
        _runner = ModelRunners.Create(model, runner, memory, weights);
        _ownsRunner = true;
    }

    /// <summary>An engine on another runner, which stays the caller's.</summary>
    /// <param name="runner">The runner.</param>
    public InferenceEngine(IModelRunner runner) => _runner = runner;

    private InferenceEngine(IModelRunner runner, CausalLm? model) => (_runner, _model, _ownsRunner) = (runner, model, true);

    /// <summary>Tokens of a prompt that are read at once; 0 takes all where memory allows, else 8,192 or what fits.</summary>
    public int PrefillBlock { get; init; }

    /// <summary>
    /// On a GPU: launch a step while the tokens that it reads are still on their way to the host, where nothing but <see cref="GenerationOptions.MaxTokens"/> can end any request of a batch
    /// and none is listened to (stop ids, <see cref="GenerationOptions.EndsRow"/>, a cancellation token, log-probabilities, <see cref="GenerationRequest.OnToken"/>): tokens and sequences
    /// are the same either way. On unless turned off; a <see cref="GenerationBatch"/> keeps what stood here when it was made.
    /// </summary>
    public bool ReadsAhead { get; set; } = true;

    /// <summary>Name of the runner.</summary>
    public string Runner => _runner.Name;

    /// <summary>Bytes of weights that a step reads.</summary>
    public long WeightBytes => _runner.WeightBytes;

    /// <summary>The model's configuration.</summary>
    public ModelConfiguration Configuration => _runner.Configuration;

    /// <summary>Tokens that one new sequence may hold in the memory that is free now.</summary>
    public int LongestSequence => Memory.Longest(0);

    /// <summary>Bytes that the cache takes for one value of a key or value.</summary>
    public double BytesPerEntry
    {
        get
        {
            const int Many = 1 << 20;
            double entries = 2.0 * Configuration.AttentionLayers.Count() * Configuration.NumKeyValueHeads * Configuration.HeadDim * Many;
            return entries == 0 ? 0 : (_runner.CacheBytes(2 * Many) - _runner.CacheBytes(Many)) / entries;
        }
    }

    internal Device Device => _runner.Device;

    internal EngineMemory Memory => new(_runner, PrefillBlock);

    /// <summary>Loads a model folder into an engine of its own. On a processor the weights are packed as they are read, so that memory holds them once.</summary>
    /// <param name="folder">Model folder.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="type">Type to compute in.</param>
    /// <param name="runner">One of <see cref="ModelRunners.Names"/>.</param>
    /// <param name="weights">Bits of the matrices; null for <paramref name="type"/>.</param>
    /// <param name="cache">How keys and values are kept.</param>
    /// <param name="memory">Bytes that sequences and work may take; 0 asks the machine.</param>
    /// <exception cref="HaloException">The folder is no complete model, the name is unknown, or that runner cannot run this model.</exception>
    public static InferenceEngine Load(
        string folder, Device device, ScalarType type, string runner = ModelRunners.Automatic, WeightFormat? weights = null, CacheFormat cache = CacheFormat.Full, long memory = 0)
    {
        if (ModelRunners.TakesCpu(ModelConfiguration.Load(folder), device, type, runner))
        {
            return new InferenceEngine(CpuRunner.Load(folder, type, weights, memory, cache), null);
        }

        CausalLm model = CausalLm.Load(folder, device, type);
        try
        {
            model.CacheFormat = cache;
            return new InferenceEngine(ModelRunners.Create(model, runner, memory, weights), model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>An empty sequence.</summary>
    /// <param name="capacity">Tokens that it is expected to hold; it grows beyond by itself.</param>
    /// <exception cref="HaloException">Memory does not allow that many tokens.</exception>
    public Sequence Create(int capacity = 0) => Create(1, capacity)[0];

    /// <summary>Empty sequences that lie together, which makes steps of all of them faster.</summary>
    /// <param name="count">How many.</param>
    /// <param name="capacity">Tokens that each is expected to hold; they grow beyond by themselves.</param>
    /// <exception cref="HaloException">Memory does not allow that many tokens.</exception>
    public IReadOnlyList<Sequence> Create(int count, int capacity)
    {
        if ((count * _runner.CacheBytes(capacity)) + Memory.LeastWork(capacity) > _runner.FreeBytes)
        {
            throw EngineMemory.TooLong(count == 1 ? $"a sequence of {capacity} tokens" : $"{count} sequences of {capacity} tokens", Memory.Longest(0, count));
        }

        try
        {
            return [.. _runner.Allocate(count, capacity).Select(cache => new Sequence(this, cache))];
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            throw OutOfMemory($"{count} sequences of {capacity} tokens", error);
        }
    }

    /// <summary>Reads ids behind what a sequence holds: it costs these ids only, in blocks.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="ids">At least one id.</param>
    /// <param name="cancellation">Stops between blocks with <see cref="OperationCanceledException"/>; the sequence keeps the blocks that it has read.</param>
    /// <exception cref="HaloException">No ids, an id outside the vocabulary, more ids than memory allows, or a sequence of another engine: nothing was read.</exception>
    public void Read(Sequence sequence, IReadOnlyList<int> ids, CancellationToken cancellation = default) => Read([sequence], [ids], cancellation);

    /// <summary>Reads ids behind what each of several sequences holds.</summary>
    /// <inheritdoc cref="Read(Sequence, IReadOnlyList{int}, CancellationToken)"/>
    /// <param name="sequences">Different sequences.</param>
    /// <param name="ids">For each of them at least one id.</param>
    /// <param name="cancellation">Stops between blocks.</param>
    public void Read(IReadOnlyList<Sequence> sequences, IReadOnlyList<IReadOnlyList<int>> ids, CancellationToken cancellation = default)
    {
        Check(sequences, ids, 0);
        var reading = new PromptReader(this, _runner);
        for (int i = 0; i < sequences.Count; i++)
        {
            reading.Add(sequences[i], [.. ids[i]]);
        }

        while (reading.Step())
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Continues one sequence.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="prompt">Ids to read first; may be empty where the sequence holds some already.</param>
    /// <param name="options">How to write.</param>
    /// <param name="onToken">Called with each new token as soon as it is known.</param>
    /// <param name="cancellation">Ends the request; what was written so far is given back.</param>
    /// <exception cref="HaloException">As for several requests.</exception>
    public GenerationResult Generate(Sequence sequence, IReadOnlyList<int> prompt, GenerationOptions options, Action<GeneratedToken>? onToken = null, CancellationToken cancellation = default) =>
        Generate([new GenerationRequest { Sequence = sequence, Prompt = prompt, Options = options, OnToken = onToken, Cancellation = cancellation }])[0];

    /// <summary>Continues several sequences, one token of each in a step; each ends by itself.</summary>
    /// <param name="requests">What to do; each has a sequence of its own.</param>
    /// <param name="cancellation">Stops all between steps with <see cref="OperationCanceledException"/>.</param>
    /// <returns>In the order of the requests.</returns>
    /// <exception cref="HaloException">Nothing to read, an id outside the vocabulary, an option out of range, a prompt longer than memory allows, a sequence of another engine: all before work.</exception>
    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default) => Generate(requests, null, cancellation);

    /// <summary>The same for those who measure.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, CancellationToken)"/>
    /// <param name="requests">What to do.</param>
    /// <param name="onIds">As <see cref="GenerationBatch.OnIds"/>.</param>
    /// <param name="cancellation">Stops all between steps.</param>
    internal IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, Action? onIds, CancellationToken cancellation)
    {
        var batch = new GenerationBatch(this) { OnIds = onIds };
        GenerationResult?[] results = new GenerationResult?[requests.Count];
        Check([.. requests.Select(request => request.Sequence)], [.. requests.Select(request => request.Prompt)], requests.Count == 0 ? 0 : requests.Max(request => request.Options.MaxTokens), mayBeEmpty: true);
        for (int i = 0; i < requests.Count; i++)
        {
            int place = i;
            batch.Add(requests[i], result => results[place] = result);
        }

        while (batch.Step())
        {
            cancellation.ThrowIfCancellationRequested();
        }

        return results!;
    }

    /// <summary>A copy of what a sequence has read.</summary>
    /// <param name="sequence">The sequence.</param>
    public SequenceSnapshot Snapshot(Sequence sequence)
    {
        Own(sequence);
        return new SequenceSnapshot(_runner.Identity, [.. sequence.Ids], sequence.Cache.Export(), sequence.Logits_1V?.clone().DetachFromDisposeScope());
    }

    /// <summary>Puts a copy in the place of what a sequence has read; the snapshot stays the caller's.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="snapshot">A snapshot of this model.</param>
    /// <exception cref="HaloException">The snapshot is another model's, or memory does not allow it; the sequence is as it was.</exception>
    public void Restore(Sequence sequence, SequenceSnapshot snapshot)
    {
        Own(sequence);
        if (snapshot.Identity != _runner.Identity || snapshot.Layers.Count != Configuration.NumHiddenLayers)
        {
            throw new HaloException("the snapshot is of another model", $"model {_runner.Identity[..12]}, snapshot {snapshot.Identity[..Math.Min(12, snapshot.Identity.Length)]}", "restore it with the model that read it, or read the tokens again");
        }

        if (_runner.CacheBytes(snapshot.Ids.Count) - sequence.Bytes > _runner.FreeBytes)
        {
            throw EngineMemory.TooLong($"a snapshot of {snapshot.Ids.Count} tokens", Memory.Longest(sequence.Bytes));
        }

        sequence.Cache.Import(snapshot.Ids.Count, snapshot.Layers);
        sequence.Replace(snapshot.Ids, snapshot.Logits_1V?.to(Device, copy: true));
    }

    /// <summary>A new sequence that has read the same: for branching, and for several answers to one prompt.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="capacity">Tokens that the copy is expected to hold.</param>
    /// <exception cref="HaloException">Memory does not allow it.</exception>
    public Sequence Copy(Sequence sequence, int capacity = 0)
    {
        using SequenceSnapshot snapshot = Snapshot(sequence);
        Sequence copy = Create(Math.Max(capacity, sequence.Length));
        try
        {
            Restore(copy, snapshot);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Frees what the engine made or loaded; a model that was given to it stays.</summary>
    public void Dispose()
    {
        if (_ownsRunner)
        {
            _runner.Dispose();
            _model?.Dispose();
        }
    }

    internal PromptReader Reader() => new(this, _runner);

    /// <summary>Launches a step that reads one id of each of several sequences; on a GPU it need not be done when the call returns.</summary>
    /// <param name="sequences">The sequences; they must be told (<see cref="StepResult.Note"/>) before anything else is done with them.</param>
    /// <param name="ids_B">Their ids on the device.</param>
    /// <exception cref="HaloException">Memory ran out; the sequences are as they were.</exception>
    internal StepResult Launch(IReadOnlyList<Sequence> sequences, Tensor ids_B)
    {
        using DisposeScope scope = NewDisposeScope();
        try
        {
            return new StepResult(_runner, sequences, _runner.Decode([.. sequences.Select(sequence => sequence.Cache)], ids_B));
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            throw OutOfMemory($"{sequences.Count} sequences, the longest of {sequences.Max(sequence => sequence.Length)} tokens", error);
        }
    }

    /// <summary>Checks ids and memory before any work.</summary>
    internal void Check(IReadOnlyList<Sequence> sequences, IReadOnlyList<IReadOnlyList<int>> ids, int more, bool mayBeEmpty = false)
    {
        if (sequences.Distinct().Count() != sequences.Count || sequences.Count != ids.Count)
        {
            throw new ArgumentException("each sequence may stand once, with its ids", nameof(sequences));
        }

        long grown = 0;
        for (int i = 0; i < sequences.Count; i++)
        {
            Own(sequences[i]);
            string where = $"prompt {i}";
            if (ids[i].Count == 0 && !(mayBeEmpty && sequences[i].Logits_1V is not null))
            {
                throw new HaloException("the prompt is empty", where, "give at least one token");
            }

            Checks.Ids(ids[i], Configuration.VocabSize, where);
            grown += Memory.Growth(sequences[i], (long)ids[i].Count + more);
        }

        int longest = sequences.Count == 0 ? 0 : ids.Max(row => row.Count);
        if (sequences.Count > 0 && grown + Memory.LeastWork(longest) > _runner.FreeBytes)
        {
            int place = Enumerable.Range(0, ids.Count).First(i => ids[i].Count == longest);
            string what = sequences.Count == 1 ? $"{sequences[0].Length + longest} tokens and {more} new ones" : $"{sequences.Count} sequences of up to {longest} tokens and {more} new ones";
            throw EngineMemory.TooLong(what, Memory.Longest(sequences.Sum(sequence => sequence.Bytes), sequences.Count), $"prompt {place}");
        }
    }

    private HaloException OutOfMemory(string what, Exception error) =>
        new($"out of memory with {what}", _runner.Device.ToString(), "use fewer or shorter sequences, or a device with more memory", error);

    private void Own(Sequence sequence)
    {
        if (!ReferenceEquals(sequence.Engine, this))
        {
            throw new HaloException("the sequence belongs to another engine", null, "use the engine that made it, or restore a snapshot of it");
        }

        ObjectDisposedException.ThrowIf(sequence.IsDisposed, sequence);
    }
}
