using System.Numerics;
using System.Text;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Methods of strings.</summary>
internal static class StringMethods
{
    private delegate object? Body(string text, Arguments arguments, Rendering rendering);

    private static readonly Dictionary<string, Body> All = new(StringComparer.Ordinal)
    {
        ["upper"] = (text, arguments, _) => Plain("upper", arguments, StringCases.Upper(text)),
        ["lower"] = (text, arguments, _) => Plain("lower", arguments, StringCases.Lower(text)),
        ["casefold"] = (text, arguments, _) => Plain("casefold", arguments, StringCases.Lower(text)),
        ["title"] = (text, arguments, _) => Plain("title", arguments, StringCases.Title(text)),
        ["capitalize"] = (text, arguments, _) => Plain("capitalize", arguments, StringCases.Capital(text)),
        ["swapcase"] = (text, arguments, _) => Plain("swapcase", arguments, StringCases.Swapped(text)),
        ["strip"] = (text, arguments, _) => PythonCharacters.Strip(text, Characters("strip", arguments)),
        ["lstrip"] = (text, arguments, _) => PythonCharacters.StripStart(text, Characters("lstrip", arguments)),
        ["rstrip"] = (text, arguments, _) => PythonCharacters.StripEnd(text, Characters("rstrip", arguments)),
        ["startswith"] = (text, arguments, rendering) => Ends("startswith", text, arguments, rendering.Budget, (one, part) => one.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = (text, arguments, rendering) => Ends("endswith", text, arguments, rendering.Budget, (one, part) => one.EndsWith(part, StringComparison.Ordinal)),
        ["removeprefix"] = (text, arguments, _) => One("removeprefix", arguments) is var part && text.StartsWith(part, StringComparison.Ordinal) ? text[part.Length..] : text,
        ["removesuffix"] = (text, arguments, _) => One("removesuffix", arguments) is var part && text.EndsWith(part, StringComparison.Ordinal) ? text[..^part.Length] : text,
        ["split"] = (text, arguments, rendering) => Splitting.Split(text, arguments, rendering.Budget),
        ["rsplit"] = (text, arguments, rendering) => Splitting.SplitFromEnd(text, arguments, rendering.Budget),
        ["splitlines"] = (text, arguments, rendering) => Splitting.Lines(text, arguments, rendering.Budget),
        ["partition"] = (text, arguments, _) => Splitting.Partition(text, One("partition", arguments), last: false),
        ["rpartition"] = (text, arguments, _) => Splitting.Partition(text, One("rpartition", arguments), last: true),
        ["join"] = (text, arguments, rendering) => Join(text, arguments.Bind("join", "iterable")[0], rendering.Budget),
        ["replace"] = (text, arguments, rendering) =>
        {
            object?[] given = arguments.Bind("replace", "old", "new", "count?");
            return Replace(text, PythonType.Text(given[0], "old"), PythonType.Text(given[1], "new"), given[2] is Missing ? -1 : PythonType.Int(given[2], "count"), rendering.Budget);
        },
        ["find"] = (text, arguments, _) => new BigInteger(Place("find", text, arguments, false)),
        ["rfind"] = (text, arguments, _) => new BigInteger(Place("rfind", text, arguments, true)),
        ["index"] = (text, arguments, _) => Found(Place("index", text, arguments, false)),
        ["rindex"] = (text, arguments, _) => Found(Place("rindex", text, arguments, true)),
        ["count"] = (text, arguments, rendering) => Count(text, One("count", arguments), rendering.Budget),
        ["ljust"] = (text, arguments, rendering) => Padding.Pad("ljust", text, arguments, rendering.Budget, room => (0, room)),
        ["rjust"] = (text, arguments, rendering) => Padding.Pad("rjust", text, arguments, rendering.Budget, room => (room, 0)),
        ["center"] = (text, arguments, rendering) => Padding.Center(text, arguments, rendering.Budget),
        ["zfill"] = (text, arguments, rendering) => Padding.Zeros(text, arguments, rendering.Budget),
        ["format"] = (text, arguments, rendering) => BraceFormat.Apply(text, arguments, rendering.Budget),
        ["isdigit"] = Is(rune => Rune.IsDigit(rune)),
        ["isdecimal"] = Is(rune => Rune.IsDigit(rune)),
        ["isnumeric"] = Is(rune => Rune.IsNumber(rune)),
        ["isalpha"] = Is(rune => Rune.IsLetter(rune)),
        ["isalnum"] = Is(rune => Rune.IsLetter(rune) || Rune.IsNumber(rune)),
        ["isspace"] = Is(rune => Rune.IsWhiteSpace(rune) || rune.Value is >= 0x1c and <= 0x1f),
        ["islower"] = (text, arguments, _) => Plain("islower", arguments, StringCases.IsLower(text)),
        ["isupper"] = (text, arguments, _) => Plain("isupper", arguments, StringCases.IsUpper(text)),
    };

    /// <summary>A method of a text, or null.</summary>
    public static TemplateFunction? Find(string text, string name) => !All.TryGetValue(name, out Body? body) ? null : new(name, (rendering, arguments) =>
    {
        rendering.Budget.Characters(text.Length);
        return body(text, arguments, rendering);
    });

    /// <summary>Texts with a separator between them.</summary>
    public static string Join(string separator, object? values, Budget budget)
    {
        IReadOnlyList<object?> items = Sequences.Items(values, budget);
        string[] texts = [.. items.Select(item => PythonType.Text(item, "each item of join"))];
        budget.Elements(texts.Length);
        budget.Characters(texts.Sum(text => (long)text.Length) + ((long)separator.Length * Math.Max(0, texts.Length - 1)));
        return string.Join(separator, texts);
    }

    /// <summary>The first <paramref name="count"/> places replaced; all where it is negative.</summary>
    public static string Replace(string text, string old, string replacement, int count, Budget budget)
    {
        budget.Characters(text.Length);
        var result = new StringBuilder();
        int start = 0;
        if (old.Length == 0)
        {
            foreach (string one in PythonCharacters.Each(text))
            {
                result.Append(count-- != 0 ? replacement : "").Append(one);
                count = Math.Max(count, -1);
                budget.Grown(0, result.Length);
            }

            return result.Append(count != 0 ? replacement : "").ToString();
        }

        for (int place; count != 0 && (place = text.IndexOf(old, start, StringComparison.Ordinal)) >= 0; count--)
        {
            budget.Grown(result.Length, (long)result.Length + place - start + replacement.Length);
            budget.Spend();
            result.Append(text, start, place - start).Append(replacement);
            start = place + old.Length;
        }

        return result.Append(text, start, text.Length - start).ToString();
    }

    private static Body Is(Func<Rune, bool> holds) => (text, arguments, _) => Plain("is", arguments, text.Length > 0 && text.EnumerateRunes().All(holds));

    private static object Plain(string name, Arguments arguments, object result)
    {
        arguments.Bind(name);
        return result;
    }

    private static string One(string name, Arguments arguments) => PythonType.Text(arguments.Bind(name, "value")[0], $"the argument of {name}");

    private static string? Characters(string name, Arguments arguments) =>
        Missing.Or(arguments.Bind(name, "chars?")[0], null) is { } given ? PythonType.Text(given, $"the argument of {name}") : null;

    private static object Ends(string name, string text, Arguments arguments, Budget budget, Func<string, string, bool> holds)
    {
        object?[] given = arguments.Bind(name, "value", "start?", "end?");
        string part = given[1] is Missing ? text : (string)Slices.Of(text, Missing.Or(given[1], null), Missing.Or(given[2], null), null, budget)!;
        return given[0] is TemplateList { Kind: ListKind.Tuple } tuple
            ? tuple.Items.Any(item => holds(part, PythonType.Text(item, $"each argument of {name}")))
            : holds(part, PythonType.Text(given[0], $"the argument of {name}"));
    }

    private static int Place(string name, string text, Arguments arguments, bool last)
    {
        object?[] given = arguments.Bind(name, "value", "start?", "end?");
        string sought = PythonType.Text(given[0], $"the argument of {name}");
        int length = PythonCharacters.Length(text);
        int start = Bound(given[1], 0, length);
        int end = Bound(given[2], length, length);
        if (start > end || start > length)
        {
            return -1;
        }

        string part = PythonCharacters.Slice(text, start, end - start);
        int unit = last ? part.LastIndexOf(sought, StringComparison.Ordinal) : part.IndexOf(sought, StringComparison.Ordinal);
        return unit < 0 ? -1 : start + PythonCharacters.Length(part[..unit]);
    }

    private static int Bound(object? given, int missing, int length)
    {
        int bound = Missing.Or(given, null) is { } value ? PythonType.Int(value, "a bound") : missing;
        return bound < 0 ? Math.Max(0, bound + length) : Math.Min(bound, length);
    }

    private static object Found(int place) => place >= 0 ? new BigInteger(place) : throw new TemplateFault("substring not found");

    private static object Count(string text, string sought, Budget budget)
    {
        if (sought.Length == 0)
        {
            return new BigInteger(PythonCharacters.Length(text) + 1);
        }

        int count = 0;
        for (int place = 0; (place = text.IndexOf(sought, place, StringComparison.Ordinal)) >= 0; place += sought.Length)
        {
            budget.Spend();
            count++;
        }

        return new BigInteger(count);
    }
}
