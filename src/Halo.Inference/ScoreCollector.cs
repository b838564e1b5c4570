using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Turns hidden states into log-likelihoods. Logits are made for the positions that are asked for alone, in chunks; what comes out stays on the device
/// until much has gathered, since every look at it makes device and host wait for each other.
/// log p = x - max - ln(sum exp(x - max)) of float32 logits, the sum added in float64.
/// </summary>
internal sealed class ScoreCollector(CausalLm model, int logitTokens) : IDisposable
{
    // Figures that may wait on the device: enough for whole benchmarks, little beside a model.
    private const long MostPending = 1 << 22;
    private readonly Queue<(Tensor LogLikelihoods, Tensor Matches, List<(ScoringTarget Target, int Position)> Owners)> _pending = new();
    private long _pendingEntries;

    /// <summary>Scores all ids of <paramref name="targets"/> that are predicted from positions <paramref name="start"/> to <paramref name="start"/> + T - 1.</summary>
    /// <param name="hidden_BTd">Output of the final norm.</param>
    /// <param name="start">Position of the first of the T inputs in its row.</param>
    /// <param name="targets">What is asked of each row.</param>
    public void Add(Tensor hidden_BTd, int start, IReadOnlyList<IEnumerable<ScoringTarget>> targets)
    {
        using DisposeScope scope = NewDisposeScope();
        (long count, long width) = (hidden_BTd.shape[1], hidden_BTd.shape[2]);
        List<Entry> entries = Entries(targets, start, (int)count);
        if (entries.Count == 0)
        {
            return;
        }

        Tensor hidden_Nd = hidden_BTd.reshape(-1, width);
        var likelihoods = new List<Tensor>();
        var matches = new List<Tensor>();
        for (int first = 0; first < entries.Count;)
        {
            // Entries of one place lie together and share its logits.
            var places = new List<long>();
            int end = first;
            while (end < entries.Count && (places.Count < logitTokens || entries[end].Place == places[^1]))
            {
                if (places.Count == 0 || entries[end].Place != places[^1])
                {
                    places.Add(entries[end].Place);
                }

                end++;
            }

            (Tensor likelihood, Tensor match) = Score(hidden_Nd, places, entries.GetRange(first, end - first));
            likelihoods.Add(likelihood);
            matches.Add(match);
            first = end;
        }

        _pending.Enqueue((cat(likelihoods).DetachFromDisposeScope(), cat(matches).DetachFromDisposeScope(), [.. entries.Select(entry => (entry.Target, entry.Position))]));
        _pendingEntries += entries.Count;
        if (_pendingEntries > MostPending || hidden_BTd.device_type == DeviceType.CPU)
        {
            Finish();
        }
    }

    /// <summary>Brings the figures of all passes to their targets.</summary>
    public void Finish()
    {
        while (_pending.Count > 0)
        {
            Fetch();
        }

        _pendingEntries = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor likelihoods, Tensor matches, _) in _pending)
        {
            likelihoods.Dispose();
            matches.Dispose();
        }

        _pending.Clear();
    }

    private static List<Entry> Entries(IReadOnlyList<IEnumerable<ScoringTarget>> targets, int start, int count)
    {
        var entries = new List<Entry>();
        for (int row = 0; row < targets.Count; row++)
        {
            int before = entries.Count;
            bool several = false;
            foreach (ScoringTarget target in targets[row])
            {
                several |= entries.Count > before;
                int end = Math.Min(target.Ids.Length, start + count - target.First);
                for (int position = Math.Max(0, start - target.First); position < end; position++)
                {
                    entries.Add(new Entry(((long)row * count) + target.First + position - start, target, position));
                }
            }

            if (several)
            {
                entries.Sort(before, entries.Count - before, Comparer<Entry>.Create((one, other) => one.Place.CompareTo(other.Place)));
            }
        }

        return entries;
    }

    private (Tensor LogLikelihoods_E, Tensor Matches_E) Score(Tensor hidden_Nd, List<long> places, List<Entry> entries)
    {
        using DisposeScope scope = NewDisposeScope();
        var owner = new long[entries.Count];
        var ids = new long[entries.Count];
        for (int i = 0, place = 0; i < entries.Count; i++)
        {
            place += entries[i].Place == places[place] ? 0 : 1;
            (owner[i], ids[i]) = (place, entries[i].Target.Ids[entries[i].Position]);
        }

        Device device = hidden_Nd.device;
        Tensor owner_E = HostIds.ToDevice(owner, [owner.Length], device), ids_E = HostIds.ToDevice(ids, [ids.Length], device);
        Tensor logits_MV = model.Logits(hidden_Nd.index_select(0, HostIds.ToDevice([.. places], [places.Count], device)));
        (Tensor most_M1, Tensor best_M1) = logits_MV.max(-1, keepdim: true);
        Tensor target_E = logits_MV.view(-1).index_select(0, (owner_E * logits_MV.shape[1]) + ids_E);
        Tensor sum_M = logits_MV.sub_(most_M1).exp_().sum(-1, type: ScalarType.Float64);
        Tensor distance_E = (target_E - most_M1.squeeze(1).index_select(0, owner_E)).to_type(ScalarType.Float64);
        Tensor likelihood_E = (distance_E - sum_M.log().index_select(0, owner_E)).to_type(ScalarType.Float32);
        Tensor match_E = best_M1.squeeze(1).index_select(0, owner_E) == ids_E;
        return (likelihood_E.MoveToOuterDisposeScope(), match_E.MoveToOuterDisposeScope());
    }

    private void Fetch()
    {
        (Tensor likelihoods, Tensor matches, List<(ScoringTarget Target, int Position)> owners) = _pending.Dequeue();
        using (likelihoods)
        using (matches)
        using (Tensor values = likelihoods.cpu())
        using (Tensor equal = matches.cpu())
        {
            float[] value = values.data<float>().ToArray();
            bool[] match = equal.data<bool>().ToArray();
            for (int i = 0; i < owners.Count; i++)
            {
                (ScoringTarget target, int position) = owners[i];
                (target.LogLikelihoods[position], target.Matches[position]) = (value[i], match[i]);
            }
        }
    }

    /// <summary>One id to score.</summary>
    /// <param name="Place">Row of the hidden states.</param>
    /// <param name="Target">The continuation.</param>
    /// <param name="Position">Place of the id in it.</param>
    private readonly record struct Entry(long Place, ScoringTarget Target, int Position);
}
