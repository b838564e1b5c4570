namespace Halo.Conversion;

/// <summary>How a run ended.</summary>
/// <param name="Completed">False when it was asked to stop; running it again continues.</param>
/// <param name="Stage">The last stage that ran.</param>
public sealed record PipelineResult(bool Completed, string Stage);
