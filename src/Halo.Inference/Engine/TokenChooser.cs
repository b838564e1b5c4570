using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>The next token of each request, chosen where the logits lie; ids and the figures that were asked for come to the host in as few copies as possible.</summary>
internal static class TokenChooser
{
    /// <summary>Ids on the device, (B) int64, and the tokens.</summary>
    /// <param name="rows">The requests.</param>
    /// <param name="last">The step that their logits may be of.</param>
    public static (Tensor Ids_B, GeneratedToken[] Tokens) Choose(IReadOnlyList<Writing> rows, StepResult? last)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits_BV = Logits(rows, last);
        GenerationOptions[] options = [.. rows.Select(row => row.Options)];
        Tensor ids_B = Ids(rows, options, logits_BV, last).clone(); // Callers are asked before they are read: who knows what they do.
        int? top = options.Max(one => one.LogProbabilities);
        GeneratedToken[] tokens = top is null
            ? [.. ids_B.cpu().data<long>().ToArray().Select(id => new GeneratedToken((int)id, float.NaN, []))]
            : WithLogProbabilities(logits_BV, ids_B, options, top.Value);
        return (ids_B.MoveToOuterDisposeScope(), tokens);
    }

    /// <summary>Ids on the device alone, (B) int64, right until the runner's next call: the host waits for nothing.</summary>
    /// <inheritdoc cref="Choose"/>
    public static Tensor Ids(IReadOnlyList<Writing> rows, StepResult? last)
    {
        using DisposeScope scope = NewDisposeScope();
        return Ids(rows, [.. rows.Select(row => row.Options)], Logits(rows, last), last).MoveToOuterDisposeScope();
    }

    private static Tensor Logits(IReadOnlyList<Writing> rows, StepResult? last) =>
        last?.IsOf(rows) ?? false ? last.Logits_BV.alias()
        : rows.Count == 1 ? rows[0].Request.Sequence.Logits_1V!.alias()
        : cat([.. rows.Select(row => row.Request.Sequence.Logits_1V!)], 0);

    private static Tensor Ids(IReadOnlyList<Writing> rows, GenerationOptions[] options, Tensor logits_BV, StepResult? last)
    {
        bool greedy = options.All(one => one.Temperature == 0 && one.RepetitionPenalty == 1) && (last?.IsOf(rows) ?? false);
        return (greedy ? last!.Likeliest() : null) ?? Sampler.Choose(Penalised(logits_BV, rows), options, [.. rows.Select(row => row.Options.Temperature > 0 ? row.Draw : 0)]);
    }

    private static Tensor Penalised(Tensor logits_BV, IReadOnlyList<Writing> rows)
    {
        if (rows.All(row => row.Options.RepetitionPenalty == 1))
        {
            return logits_BV;
        }

        Tensor result_BV = logits_BV.clone();
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Options.RepetitionPenalty is var penalty && penalty != 1)
            {
                long[] seen = [.. rows[i].Seen.Select(id => (long)id)];
                using DisposeScope scope = NewDisposeScope();
                Tensor seen_N = HostIds.ToDevice(seen, [seen.Length], logits_BV.device);
                Tensor row_V = result_BV[i];
                Tensor values_N = row_V.index_select(0, seen_N);
                row_V.index_copy_(0, seen_N, (values_N / penalty).where(values_N > 0, values_N * penalty));
            }
        }

        return result_BV;
    }

    private static GeneratedToken[] WithLogProbabilities(Tensor logits_BV, Tensor ids_B, GenerationOptions[] options, int top)
    {
        Tensor likelihoods_BV = logits_BV.log_softmax(-1);
        (Tensor values_BN, Tensor order_BN) = likelihoods_BV.topk(Math.Clamp(top, 1, (int)logits_BV.shape[1]), -1, largest: true, sorted: true);
        float[] chosen = likelihoods_BV.gather(1, ids_B.unsqueeze(1)).cpu().data<float>().ToArray();
        float[] values = values_BN.contiguous().cpu().data<float>().ToArray();
        long[] order = order_BN.contiguous().cpu().data<long>().ToArray();
        long[] ids = ids_B.cpu().data<long>().ToArray();
        int width = (int)values_BN.shape[1];
        return [.. ids.Select((id, row) => options[row].LogProbabilities is { } count
            ? new GeneratedToken((int)id, chosen[row], [.. Enumerable.Range(row * width, Math.Min(count, width)).Select(place => ((int)order[place], values[place]))])
            : new GeneratedToken((int)id, float.NaN, []))];
    }
}
