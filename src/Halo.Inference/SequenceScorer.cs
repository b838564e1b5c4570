using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Log-likelihoods of continuations, in batches padded behind (all forms are causal, so pads change nothing before them). Logits are made for the continuation's positions alone, in chunks of tokens.
/// log p = x - max - ln(sum exp(x - max)) of float32 logits, the sum added in float64. Not safe for several threads at once.
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

    /// <summary>Tokens of a row that are read at once; 0 takes all where memory allows, else 8,192.</summary>
    public int Block { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<ScoredSequence> Score(IReadOnlyList<ScoringRequest> requests, int maximumLength = 0, int batch = 0, CancellationToken cancellation = default, Action<int>? onScored = null)
    {
        ScoringRow[] rows = [.. requests.Select((request, index) => ScoringRow.Make(request, index, maximumLength, _model.Configuration.VocabSize))];
        var results = new ScoredSequence[rows.Length];

        // The longest first: what does not fit fails at once, and rows of one batch are of like length.
        ScoringRow[] order = [.. rows.OrderByDescending(row => row.Inputs.Length)];
        using IDisposable constant = no_grad();
        for (int done = 0; done < order.Length;)
        {
            int count = Math.Min(batch > 0 ? batch : _plan.RowsThatFit(order[done].Inputs.Length), order.Length - done);
            ScoreRows(order[done..(done + count)], Block, results, cancellation);
            done += count;
            onScored?.Invoke(done);
        }

        return results;
    }

    private void ScoreRows(ScoringRow[] rows, int wantedBlock, ScoredSequence[] results, CancellationToken cancellation)
    {
        int longest = rows.Max(row => row.Inputs.Length);
        int block = wantedBlock > 0 ? wantedBlock : _plan.Block(rows.Length, longest);
        try
        {
            ScoreBatch(rows, longest, Math.Min(block, longest), cancellation);
            foreach (ScoringRow row in rows)
            {
                results[row.Index] = new ScoredSequence(row.LogLikelihoods, row.Matches);
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
            ScoreRows(part, smaller, results, cancellation);
        }
    }

    private void ScoreBatch(ScoringRow[] rows, int longest, int block, CancellationToken cancellation)
    {
        using HybridCache? cache = block < longest ? HybridCache.Create(_model, rows.Length) : null;
        for (int start = 0; start < longest; start += block)
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(block, longest - start);
            var ids = new long[rows.Length * count];
            var places = new List<long>();
            var targets = new List<long>();
            var owners = new List<(ScoringRow Row, int Position)>();
            for (int place = 0; place < rows.Length; place++)
            {
                ScoringRow row = rows[place];
                int end = Math.Min(count, row.Inputs.Length - start);
                for (int i = 0; i < end; i++)
                {
                    ids[(place * count) + i] = row.Inputs[start + i];
                    int position = start + i - row.FirstScored;
                    if (position >= 0)
                    {
                        places.Add((place * (long)count) + i);
                        targets.Add(row.Targets[position]);
                        owners.Add((row, position));
                    }
                }
            }

            Tensor hidden_BTd = _model.Hidden(tensor(ids, [rows.Length, count]).to(_model.Device), null, cache);
            if (places.Count > 0)
            {
                Tensor hidden_Nd = hidden_BTd.reshape(-1, hidden_BTd.shape[2]);
                ScorePositions(hidden_Nd, [.. places], [.. targets], owners);
            }
        }
    }

    private void ScorePositions(Tensor hidden_Nd, long[] places, long[] targets, List<(ScoringRow Row, int Position)> owners)
    {
        var likelihoods = new List<Tensor>();
        var matches = new List<Tensor>();
        int chunk = _plan.LogitTokens;
        for (int start = 0; start < places.Length; start += chunk)
        {
            using DisposeScope scope = NewDisposeScope();
            int end = Math.Min(start + chunk, places.Length);
            Tensor targets_M = tensor(targets[start..end]).to(hidden_Nd.device);
            Tensor logits_MV = _model.Logits(hidden_Nd.index_select(0, tensor(places[start..end]).to(hidden_Nd.device)));
            (Tensor most_M1, Tensor best_M1) = logits_MV.max(-1, keepdim: true);
            Tensor sum_M = (logits_MV - most_M1).exp_().sum(-1, type: ScalarType.Float64);
            Tensor target_M = (logits_MV.gather(1, targets_M.unsqueeze(1)) - most_M1).squeeze(1).to_type(ScalarType.Float64);
            likelihoods.Add((target_M - sum_M.log()).to_type(ScalarType.Float32).MoveToOuterDisposeScope());
            matches.Add((best_M1.squeeze(1) == targets_M).MoveToOuterDisposeScope());
        }

        float[] values = cat(likelihoods).cpu().data<float>().ToArray();
        bool[] equal = cat(matches).cpu().data<bool>().ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            (ScoringRow row, int position) = owners[i];
            (row.LogLikelihoods[position], row.Matches[position]) = (values[i], equal[i]);
        }
    }
}
