using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Continues prompts with a model: the batch, padded in front, is read in large blocks, then one token a row at a time with a cache. Logits are made for the last position alone.
/// One copy of B ids from the device a token is all that waits for it. Not safe for several threads at once.
/// </summary>
public sealed class Generator : IGenerator
{
    private readonly CausalLm _model;
    private readonly MemoryPlan _plan;

    /// <summary>Makes a generator; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    public Generator(CausalLm model)
    {
        _model = model;
        _plan = new MemoryPlan(model);
    }

    /// <summary>Prompt tokens of a row that are read at once; 0 takes all where memory allows, else 8,192.</summary>
    public int PrefillBlock { get; init; }

    /// <inheritdoc/>
    public int RowsThatFit(int length) => _plan.RowsThatFit(length);

    /// <inheritdoc/>
    public int[][] Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, CancellationToken cancellation = default, Action<int, int>? onToken = null)
    {
        Checks.Prompts(prompts, options, _model.Configuration.VocabSize);
        var outputs = prompts.Select(_ => new List<int>()).ToArray();
        if (prompts.Count > 0)
        {
            using IDisposable constant = no_grad();
            int block = PrefillBlock > 0 ? PrefillBlock : _plan.Block(prompts.Count, prompts.Max(prompt => prompt.Length));
            Run(prompts, [.. Enumerable.Range(0, prompts.Count)], block, options, outputs, onToken, cancellation);
        }

        return [.. outputs.Select(output => output.ToArray())];
    }

    private void Run(IReadOnlyList<int[]> prompts, int[] rows, int block, GenerationOptions options, List<int>[] outputs, Action<int, int>? onToken, CancellationToken cancellation)
    {
        bool wrote = false;
        try
        {
            using DisposeScope scope = NewDisposeScope();
            using var decoding = new DecodingBatch(_model, rows);
            Tensor logits_BV = decoding.Prefill(prompts, block, cancellation);
            for (int step = 0; ; step++)
            {
                using DisposeScope stepScope = NewDisposeScope();
                Tensor ids_B = Sampler.Choose(logits_BV, options, decoding.Rows, step);
                logits_BV.Dispose();
                long[] ids = ids_B.cpu().data<long>().ToArray();
                wrote = true;
                bool[] ended = [.. decoding.Rows.Select((row, place) => Take(row, (int)ids[place], options, outputs, onToken))];
                if (step + 1 == options.MaxTokens || !decoding.Drop(ended, ref ids_B))
                {
                    return;
                }

                cancellation.ThrowIfCancellationRequested();
                logits_BV = decoding.Step(ids_B).MoveToOuterDisposeScope();
            }
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            if (wrote || (rows.Length == 1 && block <= MemoryPlan.SmallestBlock))
            {
                throw new HaloException($"out of memory with {rows.Length} rows of {rows.Max(row => prompts[row].Length)} prompt tokens", _model.Device.ToString(), "use a smaller --batch or shorter prompts, or a device with more memory", error);
            }
        }

        // Reached only when memory ran out before the first token: smaller blocks, then fewer rows.
        int smaller = Math.Min(block, MemoryPlan.SmallestBlock);
        int[][] parts = block > MemoryPlan.SmallestBlock ? [rows] : [rows[..(rows.Length / 2)], rows[(rows.Length / 2)..]];
        foreach (int[] part in parts)
        {
            Run(prompts, part, smaller, options, outputs, onToken, cancellation);
        }
    }

    /// <summary>Keeps a new id; true when the row has ended.</summary>
    private static bool Take(int row, int id, GenerationOptions options, List<int>[] outputs, Action<int, int>? onToken)
    {
        if (row < 0 || options.StopIds.Contains(id))
        {
            return true;
        }

        outputs[row].Add(id);
        onToken?.Invoke(row, id);
        return options.EndsRow?.Invoke(row, id) ?? false;
    }
}
