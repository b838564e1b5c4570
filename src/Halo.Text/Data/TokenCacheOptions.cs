using Halo.Core;

namespace Halo.Text.Data;

/// <summary>How a corpus becomes tokens.</summary>
/// <param name="HeldOut">Share of documents kept for measuring, 0 to 0.5. One in a run of round(1 / share) documents is taken, the last of each run, and the second of all. Of a corpus of one document the tail is taken.</param>
/// <param name="NormalizeNewlines">Whether CRLF becomes LF.</param>
/// <param name="DocumentEnd">The token that ends documents; null: the tokenizer's own choice.</param>
public sealed record TokenCacheOptions(double HeldOut = 0, bool NormalizeNewlines = true, string? DocumentEnd = null)
{
    /// <summary>Whether document <paramref name="number"/> is held out: never the first, so that there is always one to train on.</summary>
    internal bool IsHeldOut(int number)
    {
        if (HeldOut <= 0)
        {
            return false;
        }

        long period = Math.Max(2, (long)Math.Round(1 / HeldOut));
        return number % period == period - 1 || (number == 1 && period > 2);
    }

    /// <summary>The id that ends documents.</summary>
    /// <exception cref="HaloException">The tokenizer has no such token.</exception>
    internal int DocumentEndId(ITokenizer tokenizer) => DocumentEnd is { } token
        ? tokenizer.TokenId(token) ?? throw new HaloException($"the tokenizer has no token '{token}'", "document_end", "name one of its tokens")
        : tokenizer.DocumentEndId ?? throw new HaloException("the tokenizer has neither <|endoftext|> nor an end-of-sequence token", "document_end", "name the token that ends documents in the recipe");
}
