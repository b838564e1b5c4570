namespace Halo.Inference;

/// <summary>What a request wrote.</summary>
/// <param name="Tokens">The new tokens, a stop id left out. The last one was chosen, not read: a following request begins with it.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record GenerationResult(IReadOnlyList<GeneratedToken> Tokens, EndReason Reason)
{
    /// <summary>The new ids.</summary>
    public int[] Ids { get; } = [.. Tokens.Select(token => token.Id)];
}
