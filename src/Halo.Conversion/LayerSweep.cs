using System.Globalization;
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
/// for commonsense tasks, which small models do not solve), KL is KL(teacher || M(i)) a token on the same text. Scores are kept layer by layer, so that a sweep continues.
/// </summary>
internal sealed class LayerSweep : IDisposable
{
    private const int RowsAtOnce = 8;
    private const long RecallSalt = 900;
    private const int TokensAtOnce = 4096;
    private const double LowRecall = 0.2;
    private readonly ConversionRun _run;
    private readonly CausalLm _aligned;
    private readonly string _path;
    private readonly TokenBatch _recall;
    private readonly TokenBatch _text;
    private readonly List<Tensor> _teacherHidden = [];

    /// <summary>Reads the rows to measure on.</summary>
    /// <param name="run">The run.</param>
    /// <param name="aligned">Its stage-1 model.</param>
    /// <param name="path">Where scores are kept while the sweep lasts.</param>
    public LayerSweep(ConversionRun run, CausalLm aligned, string path)
    {
        (_run, _aligned, _path) = (run, aligned, path);
        SelectionSpecification selection = run.Recipe.Selection;
        var needles = new RecallOptions { MinDocument = Math.Max(16, selection.RowLength / 4), MaxDocument = Math.Max(16, selection.RowLength), Lists = 0.2, Needles = 0.8, Copies = 0 };
        _recall = run.Data.Training(selection.RowLength, false, [new SourceSpecification { Recall = needles }], RecallSalt).Read(0, selection.RecallRows);
        PackedRows text = run.Data.HeldOut(selection.RowLength)[0];
        _text = text.Read(0, (int)Math.Min(selection.TextRows, text.RowsPerEpoch));
    }

    /// <summary>Sweeps the given layers.</summary>
    public LayerScores Run(IReadOnlyList<int> layers)
    {
        LayerScores? before = File.Exists(_path) ? LayerScores.Load(_path) : null;
        LayerScore original = before?.Original ?? Score(_run.Teacher);
        if (original.Recall < LowRecall)
        {
            _run.Log.Message(string.Create(CultureInfo.InvariantCulture, $"warning: the teacher answers only {original.Recall:P0} of the recall questions, so R tells layers apart by noise; method kl or even does not need it"));
        }

        SortedDictionary<int, LayerScore> scores = before?.Layers ?? [];
        foreach (int layer in layers.Where(layer => !scores.ContainsKey(layer)))
        {
            _run.Cancellation.ThrowIfCancellationRequested();
            scores[layer] = Score(ReplacedLayer.Compose(_run.Teacher, _aligned, _run.Recipe.Student, layer));
            AtomicFile.WriteAllText(_path, new LayerScores(original, scores).ToJson().ToJsonString(HaloJson.Indented) + "\n");
            _run.Log.Progress("select", scores.Count, layers.Count, string.Create(CultureInfo.InvariantCulture, $"layer {layer}: recall {scores[layer].Recall:P1}, accuracy {scores[layer].Commonsense:P1}, KL {scores[layer].Kl:F4}"));
        }

        return new LayerScores(original, scores);
    }

    /// <inheritdoc/>
    public void Dispose() => _teacherHidden.ForEach(hidden => hidden.Dispose());

    private LayerScore Score(CausalLm model)
    {
        var scorer = new SequenceScorer(model);
        HeldOutAccuracy recalled = HeldOutAccuracy.Measure(scorer, _recall, RowsAtOnce, _run.Cancellation);
        HeldOutAccuracy predicted = HeldOutAccuracy.Measure(scorer, _text, RowsAtOnce, _run.Cancellation);
        return new LayerScore(recalled.Recall ?? 0, predicted.NextTokenAccuracy, ReferenceEquals(model, _run.Teacher) ? 0 : Divergence(model));
    }

    private double Divergence(CausalLm model)
    {
        using IDisposable constant = no_grad();
        double sum = 0;
        for (int batch = 0; batch * RowsAtOnce < _text.Rows; batch++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor ids = Ids(batch * RowsAtOnce);
            if (batch == _teacherHidden.Count)
            {
                _teacherHidden.Add(_run.Teacher.Hidden(ids).flatten(0, 1).DetachFromDisposeScope());
            }

            sum += Divergence(_teacherHidden[batch], model, model.Hidden(ids).flatten(0, 1));
        }

        return sum / ((double)_text.Rows * _text.Length);
    }

    private double Divergence(Tensor own_Nd, CausalLm model, Tensor other_Nd)
    {
        double sum = 0;
        for (long start = 0; start < own_Nd.shape[0]; start += TokensAtOnce)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(TokensAtOnce, own_Nd.shape[0] - start);
            Tensor own = nn.functional.log_softmax(_run.Teacher.Logits(own_Nd.narrow(0, start, count)), -1);
            Tensor other = nn.functional.log_softmax(model.Logits(other_Nd.narrow(0, start, count)), -1);
            sum += (own.exp() * (own - other)).sum().item<float>();
        }

        return sum;
    }

    private Tensor Ids(int row)
    {
        int width = _text.Length + 1;
        int rows = Math.Min(RowsAtOnce, _text.Rows - row);
        return tensor(_text.Ids[(row * width)..((row + rows) * width)], [rows, width], ScalarType.Int64).narrow(1, 0, _text.Length).to(_run.Teacher.Device);
    }
}
