using Halo.Core;

namespace Halo.Inference;

/// <summary>Checks of what callers hand in.</summary>
internal static class Checks
{
    public static void Ids(IReadOnlyList<int> ids, int vocabulary, string where)
    {
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)vocabulary)
            {
                throw new HaloException($"token id {id} is outside the model's vocabulary of {vocabulary}", where, "use the tokenizer that belongs to the model");
            }
        }
    }

    /// <summary>A prompt of at least one id of the vocabulary.</summary>
    public static void Prompt(IReadOnlyList<int> ids, int vocabulary, string where)
    {
        if (ids.Count == 0)
        {
            throw new HaloException("the prompt is empty", where, "give at least one token");
        }

        Ids(ids, vocabulary, where);
    }

    /// <summary>Options, and that a prompt keeps their bound.</summary>
    public static void Options(GenerationOptions options, int length, string where)
    {
        Require(options.MaxTokens >= 1, "at least one new token must be asked for", "--max-tokens");
        Require(options.Temperature >= 0 && double.IsFinite(options.Temperature), "the temperature must be 0 or more", "--temperature");
        Require(options.TopK >= 0, "top k must be 0 or more", "--top-k");
        Require(options.TopP is > 0 and <= 1, "top p must be above 0 and at most 1", "--top-p");
        Require(options.MinP is >= 0 and <= 1, "min p must be between 0 and 1", "--min-p");
        Require(options.RepetitionPenalty > 0 && double.IsFinite(options.RepetitionPenalty), "the repetition penalty must be above 0", "--repetition-penalty");
        Require(options.LogProbabilities is null or >= 0, "the number of log-probabilities must be 0 or more", where);
        if (options.MaximumLength > 0 && length + options.MaxTokens > options.MaximumLength)
        {
            throw new HaloException($"the prompt's {length} tokens and {options.MaxTokens} new ones exceed the length of {options.MaximumLength}", where, "shorten the prompt or ask for fewer tokens");
        }
    }

    private static void Require(bool holds, string what, string where)
    {
        if (!holds)
        {
            throw new HaloException(what, where, "give another value");
        }
    }
}
