using System.Numerics;
using System.Text;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Filters that give texts.</summary>
internal static class TextFilters
{
    public static object? Trim(Rendering rendering, object? value, Arguments arguments)
    {
        object? characters = Missing.Or(arguments.Bind("trim", "chars?")[0], null);
        return PythonCharacters.Strip(Filters.Text(rendering, value), characters is null ? null : PythonType.Text(characters, "chars"));
    }

    public static object? Replace(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("replace", "old", "new", "count?");
        int count = Missing.Or(given[2], null) is { } limit ? PythonType.Int(limit, "count") : -1;
        return StringMethods.Replace(Filters.Text(rendering, value), Filters.Text(rendering, given[0]), Filters.Text(rendering, given[1]), count, rendering.Budget);
    }

    public static object? ToJson(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("tojson", "ensure_ascii?", "indent?", "separators?", "sort_keys?");
        string? indent = Missing.Or(given[1], null) switch
        {
            null => null,
            string text => text,
            var width => new string(' ', Width(width, rendering.Budget)),
        };
        (string item, string key) = (indent is null ? ", " : ",", ": ");
        if (Missing.Or(given[2], null) is { } separators)
        {
            (item, key) = separators is TemplateList { Items: [string first, string second] } ? (first, second) : throw new TemplateFault("separators must be two strings");
        }

        bool asciiOnly = PythonType.IsTrue(Missing.Or(given[0], false));
        return new PythonJson(rendering.Budget, asciiOnly, indent, item, key, PythonType.IsTrue(Missing.Or(given[3], false))).Write(value);
    }

    public static object? Indent(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("indent", "width?", "first?", "blank?");
        object? width = Missing.Or(given[0], new BigInteger(4));
        string margin = width as string ?? new string(' ', Width(width, rendering.Budget));
        bool blank = PythonType.IsTrue(Missing.Or(given[2], false));
        string[] lines = Filters.Text(rendering, value).Split('\n');
        rendering.Budget.Characters(lines.Sum(line => (long)line.Length + margin.Length));
        var result = new StringBuilder();
        for (int i = 0; i < lines.Length; i++)
        {
            bool indents = i == 0 ? PythonType.IsTrue(Missing.Or(given[1], false)) : blank || lines[i].Length > 0;
            result.Append(i > 0 ? "\n" : "").Append(indents ? margin : "").Append(lines[i]);
        }

        return result.ToString();
    }

    public static object? Escape(Rendering rendering, object? value, Arguments arguments)
    {
        arguments.Bind("escape");
        return rendering.Budget.Paid(Filters.Text(rendering, value)
            .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal));
    }

    public static object? Truncate(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("truncate", "length?", "killwords?", "end?", "leeway?");
        int length = PythonType.Int(Missing.Or(given[0], new BigInteger(255)), "length");
        string end = PythonType.Text(Missing.Or(given[2], "..."), "end");
        int leeway = PythonType.Int(Missing.Or(given[3], new BigInteger(5)), "leeway");
        string text = Filters.Text(rendering, value);
        int room = length - PythonCharacters.Length(end);
        if (room < 0 || leeway < 0)
        {
            throw new TemplateFault("truncate has no room for its end");
        }

        if (PythonCharacters.Length(text) <= (long)length + leeway)
        {
            return text;
        }

        string cut = PythonCharacters.Slice(text, 0, room);
        int word = PythonType.IsTrue(Missing.Or(given[1], false)) ? -1 : cut.LastIndexOf(' ');
        return (word >= 0 ? cut[..word] : cut) + end;
    }

    public static object Words(string text)
    {
        int count = 0;
        bool within = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isWord = Rune.IsLetterOrDigit(rune) || rune.Value == '_';
            count += isWord && !within ? 1 : 0;
            within = isWord;
        }

        return new BigInteger(count);
    }

    private static int Width(object? width, Budget budget)
    {
        int count = Math.Max(0, PythonType.Int(width, "the width"));
        budget.Characters(count);
        return count;
    }
}
