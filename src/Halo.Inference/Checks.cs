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

    public static void Prompts(IReadOnlyList<int[]> prompts, GenerationOptions options, int vocabulary)
    {
        Require(options.MaxTokens >= 1, "at least one new token must be asked for", "--max-tokens");
        Require(options.Temperature >= 0 && double.IsFinite(options.Temperature), "the temperature must be 0 or more", "--temperature");
        Require(options.TopP is > 0 and <= 1, "top p must be above 0 and at most 1", "--top-p");
        for (int row = 0; row < prompts.Count; row++)
        {
            if (prompts[row].Length == 0)
            {
                throw new HaloException("the prompt is empty", $"prompt {row}", "give at least one token");
            }

            if (options.MaximumLength > 0 && prompts[row].Length + options.MaxTokens > options.MaximumLength)
            {
                throw new HaloException(
                    $"the prompt's {prompts[row].Length} tokens and {options.MaxTokens} new ones exceed the length of {options.MaximumLength}", $"prompt {row}", "shorten the prompt or ask for fewer tokens");
            }

            Ids(prompts[row], vocabulary, $"prompt {row}");
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
