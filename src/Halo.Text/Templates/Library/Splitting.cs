using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Methods that take strings apart.</summary>
internal static class Splitting
{
    public static object Split(string text, Arguments arguments, Budget budget)
    {
        (string? separator, int most) = Bind("split", arguments);
        var parts = new List<object?>();
        int start = 0;
        if (separator is null)
        {
            foreach ((int from, int to) in Words(text))
            {
                if (parts.Count == most)
                {
                    parts.Add(PythonCharacters.StripEnd(text[from..]));
                    break;
                }

                budget.Spend();
                parts.Add(text[from..to]);
            }

            return new TemplateList(parts);
        }

        for (int place; parts.Count != most && (place = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; start = place + separator.Length)
        {
            budget.Spend();
            parts.Add(text[start..place]);
        }

        parts.Add(text[start..]);
        return new TemplateList(parts);
    }

    public static object SplitFromEnd(string text, Arguments arguments, Budget budget)
    {
        (string? separator, int most) = Bind("rsplit", arguments);
        var parts = new List<object?>();
        int end = text.Length;
        if (separator is null)
        {
            foreach ((int from, int to) in Words(text).Reverse())
            {
                if (parts.Count == most)
                {
                    parts.Add(PythonCharacters.StripStart(text[..to]));
                    break;
                }

                budget.Spend();
                parts.Add(text[from..to]);
            }
        }
        else
        {
            for (int place; parts.Count != most && end >= separator.Length && (place = text[..end].LastIndexOf(separator, StringComparison.Ordinal)) >= 0; end = place)
            {
                budget.Characters(end);
                parts.Add(text[(place + separator.Length)..end]);
            }

            parts.Add(text[..end]);
        }

        parts.Reverse();
        return new TemplateList(parts);
    }

    public static object Lines(string text, Arguments arguments, Budget budget)
    {
        bool keeps = PythonType.IsTrue(Missing.Or(arguments.Bind("splitlines", "keepends?")[0], false));
        var lines = new List<object?>();
        for (int start = 0; start < text.Length;)
        {
            int end = start;
            while (end < text.Length && !IsLineBreak(text[end]))
            {
                end++;
            }

            int next = end < text.Length ? end + 1 : end;
            next += next < text.Length && text[end] == '\r' && text[next] == '\n' ? 1 : 0;
            lines.Add(text[start..(keeps ? next : end)]);
            budget.Spend();
            start = next;
        }

        return new TemplateList(lines);
    }

    public static object Partition(string text, string separator, bool last)
    {
        int place = separator.Length == 0 ? throw Empty() : last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return place >= 0 ? Sequences.Tuple(text[..place], separator, text[(place + separator.Length)..])
            : last ? Sequences.Tuple("", "", text)
            : Sequences.Tuple(text, "", "");
    }

    private static (string? Separator, int Most) Bind(string name, Arguments arguments)
    {
        object?[] given = arguments.Bind(name, "sep?", "maxsplit?");
        string? separator = Missing.Or(given[0], null) is { } value ? PythonType.Text(value, "the separator") : null;
        return separator == "" ? throw Empty() : (separator, given[1] is Missing ? -1 : PythonType.Int(given[1], "maxsplit"));
    }

    private static TemplateFault Empty() => new("the separator is empty");

    private static IEnumerable<(int From, int To)> Words(string text)
    {
        for (int place = 0; place < text.Length;)
        {
            int end = place;
            while (end < text.Length && !PythonCharacters.IsSpace(text[end]))
            {
                end++;
            }

            if (end > place)
            {
                yield return (place, end);
            }

            place = end + 1;
        }
    }

    private static bool IsLineBreak(char unit) => unit is '\n' or '\r' or '\v' or '\f' or (>= '\u001c' and <= '\u001e') or '\u0085' or '\u2028' or '\u2029';
}
