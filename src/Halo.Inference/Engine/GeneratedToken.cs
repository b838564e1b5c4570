namespace Halo.Inference;

/// <summary>A token that was chosen.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm of its probability before penalty and temperature; NaN where <see cref="GenerationOptions.LogProbabilities"/> did not ask.</param>
/// <param name="Top">The most likely tokens with theirs, the likeliest first; as many as were asked for.</param>
public sealed record GeneratedToken(int Id, float LogProbability, IReadOnlyList<(int Id, float LogProbability)> Top);
