using Halo.Inference;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>Cheap measures on rows of ids, for layer selection and for watching a training run: one forward pass, no generation.</summary>
/// <param name="NextTokenAccuracy">Share of the ids that are the argmax, answers left out where the rows mark them.</param>
/// <param name="Recall">Share of the marked answers whose ids are all argmax given the ids before, or null without marked answers.</param>
/// <param name="RecallTokenAccuracy">Share of the marked answers' ids that are the argmax (rises before <paramref name="Recall"/> does), or null.</param>
/// <param name="Loss">Mean negative log-likelihood of all ids.</param>
/// <param name="Answers">Marked answers.</param>
public sealed record HeldOutAccuracy(double NextTokenAccuracy, double? Recall, double? RecallTokenAccuracy, double Loss, int Answers)
{
    /// <summary>Measures on rows whose every id after the first is predicted. An answer is a run of marked ids; document masks are not applied.</summary>
    /// <param name="scorer">Scores the rows.</param>
    /// <param name="rows">Held-out rows, <see cref="TokenBatch.Answers"/> marked on recall rows.</param>
    /// <param name="batch">Rows at once; 0 chooses by memory.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static HeldOutAccuracy Measure(ISequenceScorer scorer, TokenBatch rows, int batch = 0, CancellationToken cancellation = default)
    {
        int width = rows.Length + 1;
        ScoringRequest[] requests = [.. Enumerable.Range(0, rows.Rows).Select(row => new ScoringRequest([rows.Ids[row * width]], rows.Ids[((row * width) + 1)..((row + 1) * width)]))];
        IReadOnlyList<ScoredSequence> scored = scorer.Score(requests, 0, batch, cancellation);
        long plain = 0, plainRight = 0, answerIds = 0, answerIdsRight = 0;
        int answers = 0, answersRight = 0;
        for (int row = 0; row < rows.Rows; row++)
        {
            bool inside = false, right = false;
            for (int i = 0; i < rows.Length; i++)
            {
                bool match = scored[row].TokenMatches[i];
                bool marked = rows.Answers is not null && rows.Answers[(row * width) + i + 1];
                answersRight += inside && !marked && right ? 1 : 0;
                answers += marked && !inside ? 1 : 0;
                right = marked && match && (right || !inside);
                inside = marked;
                (answerIds, answerIdsRight) = marked ? (answerIds + 1, answerIdsRight + (match ? 1 : 0)) : (answerIds, answerIdsRight);
                (plain, plainRight) = marked ? (plain, plainRight) : (plain + 1, plainRight + (match ? 1 : 0));
            }

            answersRight += inside && right ? 1 : 0;
        }

        double loss = -scored.Sum(row => row.LogLikelihood) / ((double)rows.Rows * rows.Length);
        return new HeldOutAccuracy(
            plain > 0 ? plainRight / (double)plain : 0,
            answers > 0 ? answersRight / (double)answers : null,
            answerIds > 0 ? answerIdsRight / (double)answerIds : null,
            loss,
            answers);
    }
}
