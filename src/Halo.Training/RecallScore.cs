namespace Halo.Training;

/// <summary>How well a model recalls the answers of synthetic rows.</summary>
/// <param name="TokenAccuracy">Share of answer ids whose argmax is right (digit accuracy, where a token is a digit).</param>
/// <param name="ExactMatch">Share of answers of which every id is right.</param>
/// <param name="Tokens">Answer ids measured.</param>
/// <param name="Answers">Answers measured.</param>
public sealed record RecallScore(double TokenAccuracy, double ExactMatch, int Tokens, int Answers);
