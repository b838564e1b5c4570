using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Halo.Evaluation;

/// <summary>Prompts of the tasks with one context and several choices, from the records of the original sets and from the plainer form (query, choices, gold).</summary>
internal static partial class ChoicePrompts
{
    private const string Answer = "\nAnswer:";

    /// <summary>HellaSwag: "{activity}: {ctx_a} {Ctx_b}" and the endings, cleaned.</summary>
    public static BenchmarkItem HellaSwag(JsonObject record)
    {
        if (IsPlain(record))
        {
            string query = record.Text("query");

            // ActivityNet's items end in the beginning of a sentence, ctx_b; those of WikiHow have none.
            int start = query.Length > 0 && query[^1] is '.' or '!' or '?' ? query.Length : SentenceEnd().Matches(query) is { Count: > 0 } ends ? ends[^1].Index + ends[^1].Length : query.Length;
            return BenchmarkItem.OfChoices(Clean(query[..start] + PythonText.Capitalize(query[start..])), [.. record.Texts("choices").Select(Clean)], record.Integer("gold"));
        }

        string context = $"{record.Text("activity_label")}: {record.Text("ctx_a")} {PythonText.Capitalize(record.Text("ctx_b"))}";
        return BenchmarkItem.OfChoices(Clean(context), [.. record.Texts("endings").Select(Clean)], record.Integer("label"));
    }

    /// <summary>ARC: "Question: {question}\nAnswer:" and the choices.</summary>
    public static BenchmarkItem Arc(JsonObject record) => IsPlain(record)
        ? Plain(record, query => query + Answer)
        : BenchmarkItem.OfChoices($"Question: {record.Text("question")}{Answer}", record.Object("choices").Texts("text"), Labelled(record));

    /// <summary>OpenBookQA: the question's stem and the choices.</summary>
    public static BenchmarkItem OpenBookQa(JsonObject record) => IsPlain(record)
        ? Plain(record, query => query)
        : BenchmarkItem.OfChoices(record.Text("question_stem"), record.Object("choices").Texts("text"), Labelled(record));

    /// <summary>PIQA: "Question: {goal}\nAnswer:" and two solutions.</summary>
    public static BenchmarkItem Piqa(JsonObject record) => IsPlain(record)
        ? Plain(record, query => (query.EndsWith('\n') ? query[..^1] : query) + Answer)
        : BenchmarkItem.OfChoices($"Question: {record.Text("goal")}{Answer}", [record.Text("sol1"), record.Text("sol2")], record.Integer("label"));

    /// <summary>BoolQ: "{passage}\nQuestion: {question}?\nAnswer:" and no, yes.</summary>
    public static BenchmarkItem BoolQ(JsonObject record)
    {
        const string passage = "Passage: ";
        return IsPlain(record)
            ? Plain(record, query => (query.StartsWith(passage, StringComparison.Ordinal) ? query[passage.Length..] : query) + Answer)
            : BenchmarkItem.OfChoices($"{record.Text("passage")}\nQuestion: {record.Text("question")}?{Answer}", ["no", "yes"], record.Integer(record.ContainsKey("label") ? "label" : "answer"));
    }

    /// <summary>COPA: the premise without its last character, because or therefore; two spaces (one of the task's, one of the harness) and the choice with its first letter lowered.</summary>
    public static BenchmarkItem Copa(JsonObject record)
    {
        if (IsPlain(record))
        {
            string query = ConnectorComma().Replace(record.Text("query"), " $1");
            return BenchmarkItem.OfChoices(query, [.. record.Texts("choices").Select(Lowered)], record.Integer("gold"));
        }

        string connector = record.Text("question") switch
        {
            "cause" => "because",
            "effect" => "therefore",
            var other => throw new FormatException($"its question is '{other}', neither cause nor effect"),
        };
        string premise = PythonText.Strip(record.Text("premise"));
        int kept = premise.Length == 0 ? 0 : PythonText.Offset(premise, PythonText.CodePoints(premise) - 1);
        return BenchmarkItem.OfChoices($"{premise[..kept]} {connector}", [Lowered(record.Text("choice1")), Lowered(record.Text("choice2"))], record.Integer("label"));
    }

    /// <summary>MMLU without examples: the subject, the question, its choices behind letters; the answers are the letters.</summary>
    public static BenchmarkItem Mmlu(JsonObject record)
    {
        const string letters = "ABCD";
        IReadOnlyList<string> choices = record.Texts("choices");
        string subject = record.Text("subject");
        if (choices.Count != letters.Length)
        {
            throw new FormatException($"it has {choices.Count} choices instead of {letters.Length}");
        }

        string list = string.Concat(choices.Select((choice, place) => $"\n{letters[place]}. {choice}"));
        string context = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n{PythonText.Strip(record.Text("question"))}{list}{Answer}";
        return BenchmarkItem.OfChoices(context, [.. letters.Select(letter => letter.ToString())], record.Integer("answer")) with { Subject = subject };
    }

    private static bool IsPlain(JsonObject record) => record.ContainsKey("query");

    private static BenchmarkItem Plain(JsonObject record, Func<string, string> context) =>
        BenchmarkItem.OfChoices(context(record.Text("query")), record.Texts("choices"), record.Integer("gold"));

    private static int Labelled(JsonObject record)
    {
        IReadOnlyList<string> labels = record.Object("choices").Texts("label");
        string key = record.Text("answerKey").TrimStart();
        return labels.ToList().IndexOf(key) is >= 0 and var place ? place : throw new FormatException($"its answer '{key}' is none of the choices' labels");
    }

    private static string Lowered(string choice)
    {
        int first = Math.Min(choice.Length, PythonText.Offset(choice, 1));
        return " " + PythonText.Lower(choice[..first]) + choice[first..];
    }

    /// <summary>White space at both ends, titles and what stands in brackets go; two spaces become one in a single pass.</summary>
    private static string Clean(string text) =>
        Bracketed().Replace(PythonText.Strip(text).Replace(" [title]", ". ", StringComparison.Ordinal), "").Replace("  ", " ", StringComparison.Ordinal);

    [GeneratedRegex(@"\[.*?\]", RegexOptions.CultureInvariant)]
    private static partial Regex Bracketed();

    [GeneratedRegex("""[.!?]["')]* """, RegexOptions.CultureInvariant)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(", (because|therefore)$", RegexOptions.CultureInvariant)]
    private static partial Regex ConnectorComma();
}
