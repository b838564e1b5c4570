using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>Turns a context and a continuation into ids as lm-evaluation-harness does.</summary>
internal static class RequestEncoder
{
    /// <summary>
    /// White space at the context's end moves to the continuation; ids = encode(both), the continuation's are those after the first encode(context).Length.
    /// An empty context becomes one prefix token: BOS if there is one, else EOS.
    /// </summary>
    /// <exception cref="HaloException">The continuation has no ids, or the context none.</exception>
    public static ScoringRequest Encode(ITokenizer tokenizer, string context, string continuation) => EncodeAll(tokenizer, [new TextRequest(context, continuation)])[0];

    /// <summary>The same for the requests of one item, whose contexts are often one: each is encoded once.</summary>
    /// <exception cref="HaloException">A continuation has no ids, or a context none.</exception>
    internal static ScoringRequest[] EncodeAll(ITokenizer tokenizer, IReadOnlyList<TextRequest> requests)
    {
        var result = new ScoringRequest[requests.Count];
        int[]? contextIds = null;
        for (int i = 0; i < result.Length; i++)
        {
            (string context, string continuation) = requests[i];
            contextIds = i > 0 && requests[i - 1].Context == context ? contextIds : null;
            result[i] = Encode(tokenizer, context, continuation, ref contextIds);
        }

        return result;
    }

    private static ScoringRequest Encode(ITokenizer tokenizer, string context, string continuation, ref int[]? contextIds)
    {
        if (context.Length == 0)
        {
            int prefix = RollingWindows.Prefix(tokenizer);
            return Checked([prefix], tokenizer.Encode(continuation), context, continuation);
        }

        int kept = PythonText.LengthWithoutTrailingSpace(context);
        contextIds ??= tokenizer.Encode(context[..kept]);
        int[] whole = tokenizer.Encode(context + continuation);
        return Checked(contextIds, whole.Length > contextIds.Length ? whole[contextIds.Length..] : [], context, continuation);
    }

    private static ScoringRequest Checked(int[] context, int[] continuation, string contextText, string continuationText) =>
        context.Length > 0 && continuation.Length > 0
            ? new ScoringRequest(context, continuation)
            : throw new HaloException(
                context.Length == 0 ? "a context holds white space alone" : "a continuation has no ids of its own",
                $"context ending {Quote(contextText.Length > 40 ? contextText[^40..] : contextText)}, continuation {Quote(continuationText)}",
                "mend or remove the item");

    private static string Quote(string text) => System.Text.Json.JsonSerializer.Serialize(text, HaloJson.Line);
}
