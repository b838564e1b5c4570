using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Prompts that are being read. In each step all of them read the same number of ids: those that are left of the shortest, a block at most, so that nothing is padded.</summary>
internal sealed class PromptReader(InferenceEngine engine, IModelRunner runner)
{
    private readonly List<Prompt> _prompts = [];

    public void Add(Sequence sequence, int[] ids) => _prompts.Add(new Prompt(sequence, ids));

    /// <summary>Leaves a prompt as it is.</summary>
    public void Remove(Sequence sequence) => _prompts.RemoveAll(prompt => ReferenceEquals(prompt.Sequence, sequence));

    /// <summary>Reads a block; false when there was none left.</summary>
    /// <exception cref="HaloException">Memory ran out.</exception>
    public bool Step()
    {
        if (_prompts.Count == 0)
        {
            return false;
        }

        int block = engine.Memory.Block(_prompts.Min(prompt => prompt.Left), _prompts.Sum(prompt => engine.Memory.Growth(prompt.Sequence, prompt.Left)));
        int rows = RowsAtOnce(block);
        foreach (Prompt[] part in _prompts.Chunk(rows))
        {
            Read(part, block);
        }

        _prompts.RemoveAll(prompt => prompt.Left == 0);
        return _prompts.Count > 0;
    }

    private int RowsAtOnce(int block)
    {
        int rows = _prompts.Count;
        while (rows > 1 && runner.WorkBytes((long)rows * block) > runner.FreeBytes / 4)
        {
            rows = (rows + 1) / 2;
        }

        return rows;
    }

    private void Read(Prompt[] prompts, int block)
    {
        using DisposeScope scope = NewDisposeScope();
        ISequenceCache[] caches = [.. prompts.Select(prompt => prompt.Sequence.Cache)];
        ReadOnlyMemory<int>[] ids = [.. prompts.Select(prompt => prompt.Ids.AsMemory(prompt.Done, block))];
        try
        {
            Tensor? logits_BV = runner.Prefill(caches, ids, prompts.Any(prompt => prompt.Left == block));
            for (int i = 0; i < prompts.Length; i++)
            {
                prompts[i].Done += block;
                prompts[i].Sequence.Extend(ids[i].Span, prompts[i].Left == 0 ? logits_BV!.narrow(0, i, 1) : null);
            }
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            throw new HaloException($"out of memory while {prompts.Length} prompts read {block} tokens at once", runner.Device.ToString(), "use fewer or shorter sequences, or a device with more memory", error);
        }
    }

    private sealed class Prompt(Sequence sequence, int[] ids)
    {
        public Sequence Sequence => sequence;

        public int[] Ids => ids;

        public int Done { get; set; }

        public int Left => ids.Length - Done;
    }
}
