using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Log-likelihoods of continuations. Equal requests are computed once; requests that differ in the last id alone read the same row; a beginning that several rows share is read once into a
/// <see cref="HybridCache"/>, from which the rows go on. Rows are padded behind (all forms are causal, so pads change nothing before them). Not safe for several threads at once.
/// </summary>
public sealed class SequenceScorer : ISequenceScorer
{
    private readonly CausalLm _model;
    private readonly MemoryPlan _plan;

    /// <summary>Makes a scorer; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    public SequenceScorer(CausalLm model)
    {
        _model = model;
        _plan = new MemoryPlan(model);
    }

    /// <summary>Tokens of a row that are read at once; 0 takes all where memory allows, else 8,192. Above 0, no beginnings are shared.</summary>
    public int Block { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null)
    {
        IReadOnlyList<ScoringRow> rows = ScoringPlan.Rows(requests, maximumLength, _model.Configuration.VocabSize);
        IReadOnlyList<ScoringGroup> groups = ScoringPlan.Groups(rows, Block > 0 ? 0 : MemoryPlan.SmallestBlock);
        using IDisposable constant = no_grad();
        using var scores = new ScoreCollector(_model, _plan.LogitTokens);
        int done = 0;
        void Report(IEnumerable<ScoringRow> read)
        {
            done += read.Sum(row => row.Targets.Sum(target => target.Requests.Count));
            onScored?.Invoke(done);
        }

        // The longest first: what does not fit fails at once.
        ScoringRow[] alone = [.. groups.Where(group => group.Shared == 0).SelectMany(group => group.Rows).OrderByDescending(row => row.Inputs.Length)];
        foreach (ScoringRow[] part in ScoringPlan.RowBatches(alone, 0, _plan.TokensAtOnce, length => batch > 0 ? batch : length > MemoryPlan.SmallestBlock ? _plan.RowsThatFit(length) : int.MaxValue))
        {
            ReadRows(part, Block, batch, scores, cancellation);
            Report(part);
        }

        ScoringGroup[] sharing = [.. groups.Where(group => group.Shared > 0).OrderByDescending(group => group.Shared).ThenByDescending(group => group.Longest)];
        foreach (ScoringGroup[] part in ScoringPlan.GroupBatches(sharing, _plan.TokensAtOnce, length => batch > 0 ? batch : _plan.CachedRows(length)))
        {
            ReadGroups(part, batch, scores, cancellation);
            Report(part.SelectMany(group => group.Rows));
        }

        scores.Finish();
        var results = new ScoredSequence[requests.Count];
        foreach (ScoringTarget target in rows.SelectMany(row => row.Targets))
        {
            var result = new ScoredSequence(target.LogLikelihoods, target.Matches);
            foreach (int request in target.Requests)
            {
                results[request] = result;
            }
        }

        return results;
    }

    private void ReadRows(ScoringRow[] rows, int wantedBlock, int batch, ScoreCollector scores, CancellationToken cancellation)
    {
        if (batch > 0 && rows.Length > batch)
        {
            foreach (ScoringRow[] part in rows.Chunk(batch))
            {
                ReadRows(part, wantedBlock, batch, scores, cancellation);
            }

            return;
        }

        int longest = rows.Max(row => row.Inputs.Length);
        int block = Math.Min(wantedBlock > 0 ? wantedBlock : _plan.Block(rows.Length, longest), longest);
        try
        {
            using HybridCache? cache = block < longest ? HybridCache.Create(_model, rows.Length) : null;
            for (int start = 0; start < longest; start += block)
            {
                cancellation.ThrowIfCancellationRequested();
                Read([.. rows.Select(row => row.Inputs)], [.. rows.Select(row => row.Targets)], start, Math.Min(block, longest - start), cache, scores);
            }

            return;
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            if (rows.Length == 1 && block <= MemoryPlan.SmallestBlock)
            {
                throw new HaloException($"out of memory with one row of {longest} tokens", _model.Device.ToString(), "use shorter lengths or a device with more memory", error);
            }
        }

        int smaller = Math.Min(block, MemoryPlan.SmallestBlock);
        ScoringRow[][] parts = block > MemoryPlan.SmallestBlock ? [rows] : [rows[..(rows.Length / 2)], rows[(rows.Length / 2)..]];
        foreach (ScoringRow[] part in parts)
        {
            ReadRows(part, smaller, batch, scores, cancellation);
        }
    }

    private void ReadGroups(ScoringGroup[] groups, int batch, ScoreCollector scores, CancellationToken cancellation)
    {
        try
        {
            ReadShared(groups, batch, scores, cancellation);
            return;
        }
        catch (Exception error) when (MemoryPlan.IsOutOfMemory(error))
        {
            // Divided below.
        }

        if (groups.Length == 1)
        {
            ReadRows([.. groups[0].Rows], 0, batch, scores, cancellation);
            return;
        }

        ReadGroups(groups[..(groups.Length / 2)], batch, scores, cancellation);
        ReadGroups(groups[(groups.Length / 2)..], batch, scores, cancellation);
    }

    /// <summary>Reads the beginning of each group once, then the rest of all rows in batches of like length.</summary>
    private void ReadShared(ScoringGroup[] groups, int batch, ScoreCollector scores, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        int shared = groups.Min(group => group.Shared);
        using HybridCache beginnings = HybridCache.Create(_model, groups.Length);
        Read([.. groups.Select(group => group.Rows[0].Inputs)], [.. groups.Select(group => group.Rows.SelectMany(row => row.Targets))], 0, shared, beginnings, scores);
        Dictionary<ScoringRow, int> place = [];
        for (int group = 0; group < groups.Length; group++)
        {
            foreach (ScoringRow row in groups[group].Rows.Where(row => row.Inputs.Length > shared))
            {
                place.Add(row, group);
            }
        }

        ScoringRow[] rest = [.. place.Keys.OrderByDescending(row => row.Inputs.Length)];
        foreach (ScoringRow[] part in ScoringPlan.RowBatches(rest, shared, _plan.TokensAtOnce, length => batch > 0 ? batch : _plan.CachedRows(length)))
        {
            cancellation.ThrowIfCancellationRequested();
            using HybridCache cache = beginnings.Select([.. part.Select(row => place[row])]);
            Read([.. part.Select(row => row.Inputs)], [.. part.Select(row => row.Targets)], shared, part[0].Inputs.Length - shared, cache, scores);
        }
    }

    private void Read(int[][] inputs, IReadOnlyList<IEnumerable<ScoringTarget>> targets, int start, int count, HybridCache? cache, ScoreCollector scores)
    {
        using DisposeScope scope = NewDisposeScope();
        var ids = new long[inputs.Length * count];
        for (int row = 0; row < inputs.Length; row++)
        {
            int end = Math.Min(count, inputs[row].Length - start);
            for (int i = 0; i < end; i++)
            {
                ids[(row * count) + i] = inputs[row][start + i];
            }
        }

        Tensor hidden_BTd = _model.Hidden(HostIds.ToDevice(ids, [inputs.Length, count], _model.Device), null, cache);
        scores.Add(hidden_BTd, start, targets);
    }
}
