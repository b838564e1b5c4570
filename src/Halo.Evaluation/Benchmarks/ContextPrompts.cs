using System.Text.Json.Nodes;

namespace Halo.Evaluation;

/// <summary>Prompts of the tasks with several contexts and one continuation, and of LAMBADA, from the records of the original sets and from the plainer form.</summary>
internal static class ContextPrompts
{
    private static readonly string[] Possessives = ["my", "his", "her", "our", "their"];
    private static readonly string[] Raised = ["A", "An", "The", "She", "He", "It", "They", "My", "His", "Her", "Their"];

    /// <summary>WinoGrande: the sentence up to the blank and an option; the rest.</summary>
    public static BenchmarkItem WinoGrande(JsonObject record)
    {
        if (IsPlain(record))
        {
            return BenchmarkItem.OfContexts(record.Texts("context_options"), record.Text("continuation"), record.Integer("gold"));
        }

        string sentence = record.Text("sentence");
        int blank = sentence.IndexOf('_', StringComparison.Ordinal);
        return blank < 0
            ? throw new FormatException("its sentence has no blank")
            : BenchmarkItem.OfContexts([sentence[..blank] + record.Text("option1"), sentence[..blank] + record.Text("option2")], PythonText.Strip(sentence[(blank + 1)..]), record.Integer("answer") - 1);
    }

    /// <summary>WSC273: the text up to the pronoun and an option; what follows the pronoun. The task's own space and the harness's make two before a word.</summary>
    public static BenchmarkItem Wsc273(JsonObject record)
    {
        if (IsPlain(record))
        {
            string rest = record.Text("continuation");
            bool joined = rest.Length > 0 && ".,;:!?'".Contains(rest[0], StringComparison.Ordinal);
            return BenchmarkItem.OfContexts(record.Texts("context_options"), joined ? rest : " " + rest, record.Integer("gold"));
        }

        string text = record.Text("text").Replace("  ", " ", StringComparison.Ordinal), pronoun = record.Text("pronoun");
        int place = record.Integer("pronoun_loc"), length = PythonText.CodePoints(text);
        if (place < 0 || place + PythonText.CodePoints(pronoun) > length)
        {
            throw new FormatException("its pronoun lies outside the text");
        }

        // Two places before the pronoun, counted from the end where that is before the text.
        int before = place - 2 < 0 ? place - 2 + length : place - 2;
        bool starts = before >= 0 && text[PythonText.Offset(text, before)] == '.';
        int from = PythonText.Offset(text, place), to = PythonText.Offset(text, place + PythonText.CodePoints(pronoun));
        string[] contexts = [.. record.Texts("options").Select(option => text[..from] + Option(option, pronoun, starts))];
        return BenchmarkItem.OfContexts(contexts, text[to..], record.Integer("label"));
    }

    /// <summary>LAMBADA: all but the last word; a space and the last word. Words end at single spaces only, so that the last may hold line breaks.</summary>
    public static BenchmarkItem Lambada(JsonObject record)
    {
        if (!record.ContainsKey("text"))
        {
            return BenchmarkItem.OfChoices(record.Text("context"), [record.Text("continuation")], 0);
        }

        string text = record.Text("text");
        int space = text.LastIndexOf(' ');
        return space >= 0 ? BenchmarkItem.OfChoices(text[..space], [text[(space + 1)..]], 0) : throw new FormatException("the text has no space");
    }

    private static bool IsPlain(JsonObject record) => record.ContainsKey("context_options");

    private static string Option(string option, string pronoun, bool starts)
    {
        string whole = Possessives.Contains(PythonText.Lower(pronoun)) ? option + "'s" : option;
        string first = whole.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault("");
        return !starts && Raised.Contains(first) ? whole.Replace(first, PythonText.Lower(first), StringComparison.Ordinal) : whole;
    }
}
