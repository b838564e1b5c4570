using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Evaluation;
using Halo.Inference;
using Halo.Models;
using Halo.Text;
using Halo.Text.Data;

namespace Halo.Conversion;

/// <summary>
/// Finds a of <c>s_t = ln(t + a) / ln(a)</c> by the language-modelling loss on long held-out rows: a logarithmic grid, then golden-section search
/// in ln(a) between the neighbours of the best. A lower loss than without scaling is not taken for granted.
/// </summary>
public static class ScalingSearch
{
    private const int GridPoints = 9;
    private const int Refinements = 6;
    private const int RowsAtOnce = 1;
    private static readonly double Golden = (Math.Sqrt(5) - 1) / 2;

    /// <summary>Searches; the model's own scaling is as before afterwards.</summary>
    /// <param name="model">The student.</param>
    /// <param name="scale">Where to search.</param>
    /// <param name="data">Held-out text.</param>
    /// <param name="log">Told of each a tried.</param>
    /// <param name="cancellation">Stops between measurements.</param>
    /// <exception cref="HaloException">There is no held-out text.</exception>
    public static ScalingResult Run(CausalLm model, ScaleSpecification scale, DataSet data, IRunLog log, CancellationToken cancellation)
    {
        TokenBatch rows = LongRows(data, scale);
        LogitsScaling? before = model.LogitsScaling;
        var losses = new SortedDictionary<double, double>();
        try
        {
            model.LogitsScaling = null;
            double Loss() => HeldOutAccuracy.Measure(new SequenceScorer(model), rows, RowsAtOnce, cancellation).Loss;
            double without = Loss();
            log.Message($"attn_logits_scaling off: loss {without:F5} on {rows.Rows} rows of {rows.Length:N0} tokens");
            double Measure(double a)
            {
                cancellation.ThrowIfCancellationRequested();
                model.LogitsScaling = LogitsScaling.Hype(a);
                losses[a] = Loss();
                log.Progress("scale", losses.Count, GridPoints + Refinements + 1, $"a = {a:G4}: loss {losses[a]:F5}");
                return losses[a];
            }

            double[] grid = [.. Enumerable.Range(0, GridPoints).Select(i => scale.Smallest * Math.Pow(scale.Largest / scale.Smallest, i / (GridPoints - 1.0)))];
            int best = Enumerable.Range(0, GridPoints).MinBy(i => Measure(grid[i]));
            double low = Math.Log(grid[Math.Max(0, best - 1)]);
            double high = Math.Log(grid[Math.Min(GridPoints - 1, best + 1)]);
            double left = high - (Golden * (high - low));
            double right = low + (Golden * (high - low));
            double leftLoss = Measure(Math.Exp(left));
            double rightLoss = Measure(Math.Exp(right));
            for (int i = 0; i + 2 < Refinements; i++)
            {
                if (leftLoss <= rightLoss)
                {
                    (high, right, rightLoss) = (right, left, leftLoss);
                    left = high - (Golden * (high - low));
                    leftLoss = Measure(Math.Exp(left));
                }
                else
                {
                    (low, left, leftLoss) = (left, right, rightLoss);
                    right = low + (Golden * (high - low));
                    rightLoss = Measure(Math.Exp(right));
                }
            }

            KeyValuePair<double, double> found = losses.MinBy(entry => entry.Value);
            return new ScalingResult(Math.Round(found.Key, 2), found.Value, without, losses);
        }
        finally
        {
            model.LogitsScaling = before;
        }
    }

    private static TokenBatch LongRows(DataSet data, ScaleSpecification scale)
    {
        // Held-out text may be shorter than a row: then the longest power-of-two share of the row that fits is read.
        for (int length = scale.RowLength; ; length /= 2)
        {
            try
            {
                PackedRows rows = data.HeldOut(length)[0];
                return rows.Read(0, (int)Math.Min(scale.Rows, rows.RowsPerEpoch));
            }
            catch (HaloException) when (length > 64)
            {
                // Half as long, then.
            }
        }
    }
}
