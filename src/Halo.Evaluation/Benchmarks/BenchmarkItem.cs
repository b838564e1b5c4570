namespace Halo.Evaluation;

/// <summary>An item of a benchmark as lm-evaluation-harness asks it.</summary>
/// <param name="Requests">One request a choice; one alone where the continuation is to be guessed.</param>
/// <param name="Gold">Place of the right choice.</param>
internal sealed record BenchmarkItem(IReadOnlyList<TextRequest> Requests, int Gold)
{
    /// <summary>Code points of each choice as it stands before the space is put on: what acc_norm divides by. Of several contexts with one continuation, the contexts are the choices.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>Part of the benchmark that is counted on its own (MMLU's subjects), or null.</summary>
    public string? Subject { get; init; }

    /// <summary>One context, several choices: the continuation is a space and the choice.</summary>
    /// <exception cref="FormatException">The right choice is none of them.</exception>
    public static BenchmarkItem OfChoices(string context, IReadOnlyList<string> choices, int gold) =>
        Checked(new([.. choices.Select(choice => new TextRequest(context, " " + choice))], gold) { Lengths = [.. choices.Select(PythonText.CodePoints)] });

    /// <summary>Several contexts, one continuation: a space and <paramref name="rest"/>.</summary>
    /// <exception cref="FormatException">The right context is none of them.</exception>
    public static BenchmarkItem OfContexts(IReadOnlyList<string> contexts, string rest, int gold) =>
        Checked(new([.. contexts.Select(context => new TextRequest(context, " " + rest))], gold) { Lengths = [.. contexts.Select(PythonText.CodePoints)] });

    private static BenchmarkItem Checked(BenchmarkItem item) =>
        item.Requests.Count > 0 && item.Gold >= 0 && item.Gold < item.Requests.Count ? item : throw new FormatException($"the right choice is {item.Gold} of {item.Requests.Count}");
}
