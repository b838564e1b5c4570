using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>Score of an item, 0 or 1.</summary>
/// <param name="Accuracy">Whether the choice with the greatest sum of log-likelihoods is right (the first of equal ones); for a guessed continuation, whether it is the greedy one.</param>
/// <param name="Normalized">The same with each sum divided by the choice's code points.</param>
internal readonly record struct ItemScore(double Accuracy, double Normalized)
{
    public static ItemScore Of(BenchmarkDefinition definition, BenchmarkItem item, IReadOnlyList<ScoredSequence> scored) => definition.Guessed
        ? new(scored[0].IsGreedy ? 1 : 0, double.NaN)
        : OfChoices([.. scored.Select(one => one.LogLikelihood)], item.Lengths, item.Gold);

    public static ItemScore OfChoices(IReadOnlyList<double> sums, IReadOnlyList<int> lengths, int gold) => new(
        Statistics.Best(sums) == gold ? 1 : 0,
        Statistics.Best([.. sums.Zip(lengths, (sum, length) => sum / length)]) == gold ? 1 : 0);
}
