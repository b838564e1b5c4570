namespace Halo.Evaluation;

/// <summary>RULER's scores of one output (golden/ruler/scoring.jsonl).</summary>
internal static class RulerScore
{
    /// <summary>The output stripped, with every character below U+0020 made a line break, stripped again.</summary>
    public static string Clean(string output) =>
        PythonText.Strip(string.Create(PythonText.Strip(output).Length, PythonText.Strip(output), static (target, source) =>
        {
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = source[i] < ' ' ? '\n' : source[i];
            }
        }));

    /// <summary>Fraction of the references contained in the cleaned output, ignoring case (<c>string_match_all</c>); 0 to 1.</summary>
    public static double MatchAll(string output, IReadOnlyList<string> references)
    {
        string lower = PythonText.Lower(Clean(output));
        return references.Count(reference => Contains(lower, reference)) / (double)references.Count;
    }

    /// <summary>1 when any reference is contained (NVIDIA's <c>string_match_part</c>, for question answering), else 0.</summary>
    public static double MatchPart(string output, IReadOnlyList<string> references)
    {
        string lower = PythonText.Lower(Clean(output));
        return references.Any(reference => Contains(lower, reference)) ? 1 : 0;
    }

    private static bool Contains(string lower, string reference) => lower.Contains(PythonText.Lower(reference), StringComparison.Ordinal);
}
