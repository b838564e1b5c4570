namespace Halo.Evaluation;

/// <summary>A context and a continuation as lm-evaluation-harness passes them to the model.</summary>
internal sealed record TextRequest(string Context, string Continuation);
