using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Core;
using Halo.Evaluation;
using Halo.Inference;
using Halo.Models;
using Halo.Text;
using Halo.Text.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>
/// Measures M(i) for each layer: R is the share of synthetic recall questions answered exactly, C the next-token accuracy on held-out text (a stand-in
/// for commonsense tasks, which small models do not solve), KL is KL(teacher || M(i)) a token on the same text.
/// </summary>
internal sealed class LayerSweep(CausalLm teacher, CausalLm aligned, Recipe recipe, DataSet data, IRunLog log, CancellationToken cancellation)
{
    private const int RowsAtOnce = 8;
    private const long RecallSalt = 900;
    private const int TokensAtOnce = 4096;

    /// <summary>Sweeps the given layers.</summary>
    public LayerScores Run(IReadOnlyList<int> layers)
    {
        SelectionSpecification selection = recipe.Selection;
        IRowSource recallRows = data.Training(selection.RowLength, false, [new SourceSpecification { Recall = new RecallOptions { MinDocument = selection.RowLength / 4, MaxDocument = selection.RowLength, Lists = 0.2, Needles = 0.8, Copies = 0 } }], RecallSalt);
        TokenBatch recall = recallRows.Read(0, selection.RecallRows);
        PackedRows textRows = data.HeldOut(selection.RowLength)[0];
        TokenBatch text = textRows.Read(0, (int)Math.Min(selection.TextRows, textRows.RowsPerEpoch));
        LayerScore original = Score(teacher, recall, text);
        var scores = new SortedDictionary<int, LayerScore>();
        foreach (int layer in layers)
        {
            cancellation.ThrowIfCancellationRequested();
            scores[layer] = Score(ReplacedLayer.Compose(teacher, aligned, recipe.Student, layer), recall, text);
            log.Progress("select", scores.Count, layers.Count, $"layer {layer}: recall {scores[layer].Recall:P1}, accuracy {scores[layer].Commonsense:P1}, KL {scores[layer].Kl:F4}");
        }

        return new LayerScores(original, scores);
    }

    private LayerScore Score(CausalLm model, TokenBatch recall, TokenBatch text)
    {
        var scorer = new SequenceScorer(model);
        HeldOutAccuracy recalled = HeldOutAccuracy.Measure(scorer, recall, RowsAtOnce, cancellation);
        HeldOutAccuracy predicted = HeldOutAccuracy.Measure(scorer, text, RowsAtOnce, cancellation);
        return new LayerScore(recalled.Recall ?? 0, predicted.NextTokenAccuracy, ReferenceEquals(model, teacher) ? 0 : Divergence(model, text));
    }

    private double Divergence(CausalLm model, TokenBatch text)
    {
        using IDisposable constant = no_grad();
        double sum = 0;
        int width = text.Length + 1;
        for (int row = 0; row < text.Rows; row += RowsAtOnce)
        {
            using DisposeScope scope = NewDisposeScope();
            int rows = Math.Min(RowsAtOnce, text.Rows - row);
            Tensor ids = tensor(text.Ids[(row * width)..((row + rows) * width)], [rows, width], ScalarType.Int64).narrow(1, 0, text.Length).to(teacher.Device);
            Tensor own_Nd = teacher.Hidden(ids).flatten(0, 1);
            Tensor other_Nd = model.Hidden(ids).flatten(0, 1);
            for (long start = 0; start < own_Nd.shape[0]; start += TokensAtOnce)
            {
                using DisposeScope inner = NewDisposeScope();
                long count = Math.Min(TokensAtOnce, own_Nd.shape[0] - start);
                Tensor own = nn.functional.log_softmax(teacher.Logits(own_Nd.narrow(0, start, count)), -1);
                Tensor other = nn.functional.log_softmax(model.Logits(other_Nd.narrow(0, start, count)), -1);
                sum += (own.exp() * (own - other)).sum().item<float>();
            }
        }

        return sum / ((double)text.Rows * text.Length);
    }
}
