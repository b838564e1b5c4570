namespace Halo.Inference;

/// <summary>Log-likelihoods of a continuation.</summary>
/// <param name="TokenLogLikelihoods">log p(id | all before) of each continuation id that was scored, natural logarithm, from a float32 log-softmax.</param>
/// <param name="TokenMatches">Whether each of these ids is the argmax.</param>
public sealed record ScoredSequence(float[] TokenLogLikelihoods, bool[] TokenMatches)
{
    /// <summary>Sum over the continuation, added in float64.</summary>
    public double LogLikelihood { get; } = TokenLogLikelihoods.Sum(value => (double)value);

    /// <summary>Whether every id is the argmax.</summary>
    public bool IsGreedy { get; } = Array.TrueForAll(TokenMatches, match => match);
}
