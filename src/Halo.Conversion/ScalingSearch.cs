using System.Globalization;
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
/// in ln(a) between the neighbours of the best. Where no a is better than no scaling, none is written.
/// </summary>
public static class ScalingSearch
{
    private const int GridPoints = 9;
    private const int Refinements = 6;
    private const int RowsAtOnce = 1;
    private const int ShortestRow = 64;
    private static readonly double Golden = (Math.Sqrt(5) - 1) / 2;

    /// <summary>Searches; the model's own scaling is as before afterwards.</summary>
    /// <param name="model">The student.</param>
    /// <param name="scale">Where to search.</param>
    /// <param name="data">Held-out text.</param>
    /// <param name="log">Told of each a tried.</param>
    /// <param name="cancellation">Stops between measurements.</param>
    /// <exception cref="HaloException">There is no held-out text, or less than a row of 64 tokens.</exception>
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
            double Measure(double exact)
            {
                cancellation.ThrowIfCancellationRequested();
                double a = Rounded(exact);
                if (!losses.TryGetValue(a, out double loss))
                {
                    model.LogitsScaling = LogitsScaling.Hype(a);
                    losses[a] = loss = Loss();
                    log.Progress("scale", losses.Count, GridPoints + Refinements, string.Create(CultureInfo.InvariantCulture, $"a = {a}: loss {loss:F5}"));
                }

                return loss;
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
            return found.Value < without
                ? new ScalingResult(found.Key, found.Value, without, losses, rows.Rows, rows.Length)
                : new ScalingResult(null, without, without, losses, rows.Rows, rows.Length);
        }
        finally
        {
            model.LogitsScaling = before;
        }
    }

    // What is written is what was measured: six digits.
    private static double Rounded(double a) => double.Parse(a.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    // Held-out text may be shorter than a row: then the row is halved until it fits.
    private static TokenBatch LongRows(DataSet data, ScaleSpecification scale)
    {
        long longest = data.HeldOutStores().Select(store => store.Count - 1).DefaultIfEmpty(0).Max();
        int length = scale.RowLength;
        while (length > longest && length > ShortestRow)
        {
            length /= 2;
        }

        PackedRows rows = data.HeldOut(length)[0];
        return rows.Read(0, (int)Math.Min(scale.Rows, rows.RowsPerEpoch));
    }
}
