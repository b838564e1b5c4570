using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>Recall accuracy on rows whose answers are marked (<see cref="TokenBatch.Answers"/>), with the true ids before each answer as its context.</summary>
public static class RecallProbe
{
    /// <summary>Measures recall. An answer is a run of marked ids within a row; one that begins at a row's first id has no context and is left out.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">Rows with answers.</param>
    /// <param name="documentMask">Keep documents apart, as in training.</param>
    /// <param name="rows">Rows computed at once.</param>
    /// <exception cref="HaloException">No answers are marked.</exception>
    public static RecallScore Measure(CausalLm model, TokenBatch batch, bool documentMask, int rows = 16)
    {
        if (batch.Answers is null)
        {
            throw new HaloException("the rows have no marked answers", "recall probe", "take rows of synthetic recall documents");
        }

        int right = 0, tokens = 0, exact = 0, answers = 0;
        for (int row = 0; row < batch.Rows; row += rows)
        {
            TokenBatch part = Slice(batch, row, Math.Min(rows, batch.Rows - row));
            (List<long> positions, List<int> starts) = Answers(part);
            if (positions.Count == 0)
            {
                continue;
            }

            bool[] hits = Hits(model, part, positions, documentMask);
            starts.Add(hits.Length);
            for (int i = 0; i + 1 < starts.Count; i++)
            {
                int correct = hits[starts[i]..starts[i + 1]].Count(hit => hit);
                right += correct;
                exact += correct == starts[i + 1] - starts[i] ? 1 : 0;
            }

            tokens += hits.Length;
            answers += starts.Count - 1;
        }

        return tokens == 0
            ? throw new HaloException("the rows have no marked answers", "recall probe", "take rows of synthetic recall documents")
            : new RecallScore((double)right / tokens, (double)exact / answers, tokens, answers);
    }

    /// <summary>A probe for a trainer: keys <c>token_accuracy</c>, <c>exact_match</c>, <c>answers</c>.</summary>
    public static TrainingProbe Probe(string name, long every, CausalLm model, TokenBatch batch, bool documentMask) => new(name, every, () =>
    {
        RecallScore score = Measure(model, batch, documentMask);
        return new JsonObject { ["token_accuracy"] = score.TokenAccuracy, ["exact_match"] = score.ExactMatch, ["answers"] = score.Answers };
    });

    /// <summary>Positions (in the N labels) of all answer ids, and where in that list each answer begins.</summary>
    private static (List<long> Positions, List<int> Starts) Answers(TokenBatch batch)
    {
        var positions = new List<long>();
        var starts = new List<int>();
        int stride = batch.Length + 1;
        for (int row = 0; row < batch.Rows; row++)
        {
            bool inside = batch.Answers![row * stride], measured = false;
            for (int at = 1; at < stride; at++)
            {
                bool marked = batch.Answers[(row * stride) + at];
                if (marked && !inside)
                {
                    starts.Add(positions.Count);
                    measured = true;
                }

                if (marked && measured)
                {
                    positions.Add(((long)row * batch.Length) + at - 1);
                }

                inside = marked;
                measured &= marked;
            }
        }

        return (positions, starts);
    }

    private static bool[] Hits(CausalLm model, TokenBatch batch, List<long> positions, bool documentMask)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        BatchTensors tensors = BatchTensors.From(batch, model.Device, documentMask);
        Tensor hidden_BTd = model.Hidden(tensors.Inputs_BT, tensors.Layout);
        Tensor index = tensor(positions.ToArray()).to(model.Device);
        Tensor logits = model.Logits(hidden_BTd.view(-1, hidden_BTd.shape[^1]).index_select(0, index));
        return (logits.argmax(-1) == tensors.Labels_N.index_select(0, index)).cpu().data<bool>().ToArray();
    }

    private static TokenBatch Slice(TokenBatch batch, int row, int rows)
    {
        int stride = batch.Length + 1;
        Range range = (row * stride)..((row + rows) * stride);
        return new TokenBatch(batch.Ids[range], rows, batch.Length, batch.Segments?[range], batch.Answers?[range]);
    }
}
