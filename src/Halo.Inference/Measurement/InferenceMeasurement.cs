namespace Halo.Inference;

/// <summary>What was measured at one context length.</summary>
/// <param name="Context">Tokens of each prompt.</param>
/// <param name="Batch">Sequences.</param>
/// <param name="PrefillSeconds">From the first token of the prompts to the first new token of all, the median of the runs.</param>
/// <param name="SecondsPerStep">From one token of all sequences to the next, the median of all steps.</param>
/// <param name="CacheBytes">Caches of the sequences.</param>
/// <param name="MemoryBytes">All memory in use at the end: of the process on a CPU, of the device on a GPU.</param>
public sealed record InferenceMeasurement(int Context, int Batch, double PrefillSeconds, double SecondsPerStep, long CacheBytes, long MemoryBytes);
