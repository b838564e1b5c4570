using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>Log-likelihood of a whole text, every id predicted once.</summary>
internal static class RollingWindows
{
    /// <summary>
    /// The first window has the prefix token as its context; every full one after it one id; the last, shorter one as much as fits, <paramref name="maximumLength"/> + 1 ids in all.
    /// </summary>
    /// <param name="prefix">BOS, or EOS without one.</param>
    /// <param name="ids">The text.</param>
    /// <param name="maximumLength">Ids that the model reads at once.</param>
    public static IReadOnlyList<ScoringRequest> Make(int prefix, int[] ids, int maximumLength)
    {
        var windows = new List<ScoringRequest>();
        for (int done = 0; done < ids.Length;)
        {
            int count = Math.Min(maximumLength, ids.Length - done), end = done + count;
            windows.Add(new ScoringRequest(done == 0 ? [prefix] : ids[Math.Max(0, end - maximumLength - 1)..done], ids[done..end]));
            done = end;
        }

        return windows;
    }

    /// <summary>The token that stands before a text.</summary>
    /// <exception cref="HaloException">The tokenizer has neither.</exception>
    public static int Prefix(ITokenizer tokenizer) => tokenizer.BosId ?? tokenizer.EosId ?? throw new HaloException(
        "the tokenizer has neither a BOS nor an EOS token to begin an empty context with", remedy: "name one in tokenizer_config.json");
}
