using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>What can stand behind "|".</summary>
internal static class Filters
{
    private delegate object? Body(Rendering rendering, object? value, Arguments arguments);

    private static readonly Dictionary<string, Body> All = new(StringComparer.Ordinal)
    {
        ["abs"] = (_, value, arguments) => Plain(arguments, NumberFilters.Absolute(value)),
        ["attr"] = (_, value, arguments) => Members.Attribute(value, PythonType.Text(arguments.Bind("attr", "name")[0], "the name")),
        ["batch"] = ListFilters.Batch,
        ["capitalize"] = (rendering, value, arguments) => Plain(arguments, StringCases.Capital(Text(rendering, value))),
        ["center"] = (rendering, value, arguments) => Padding.Center(Text(rendering, value), arguments.Positional.Count + arguments.Named.Count == 0 ? new Arguments([new BigInteger(80)], []) : arguments, rendering.Budget),
        ["count"] = Length,
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = SortFilters.OfDictionary,
        ["e"] = TextFilters.Escape,
        ["escape"] = TextFilters.Escape,
        ["first"] = (rendering, value, arguments) => Plain(arguments, Sequences.Items(value, rendering.Budget) is [var first, ..] ? first : new Undefined("No first item, sequence was empty.")),
        ["float"] = NumberFilters.Float,
        ["format"] = (rendering, value, arguments) => PercentFormat.Apply(Text(rendering, value), arguments.Positional, rendering.Budget),
        ["groupby"] = SortFilters.Groups,
        ["indent"] = TextFilters.Indent,
        ["int"] = NumberFilters.Integer,
        ["items"] = ListFilters.Items,
        ["join"] = ListFilters.Join,
        ["last"] = ListFilters.Last,
        ["length"] = Length,
        ["list"] = (rendering, value, arguments) => Plain(arguments, new TemplateList(Sequences.Items(value, rendering.Budget))),
        ["lower"] = (rendering, value, arguments) => Plain(arguments, StringCases.Lower(Text(rendering, value))),
        ["map"] = SelectionFilters.Map,
        ["max"] = (rendering, value, arguments) => SortFilters.Extreme(rendering, value, arguments, greatest: true),
        ["min"] = (rendering, value, arguments) => SortFilters.Extreme(rendering, value, arguments, greatest: false),
        ["reject"] = (rendering, value, arguments) => SelectionFilters.Select(rendering, value, arguments, byAttribute: false, keeps: false),
        ["rejectattr"] = (rendering, value, arguments) => SelectionFilters.Select(rendering, value, arguments, byAttribute: true, keeps: false),
        ["replace"] = TextFilters.Replace,
        ["reverse"] = ListFilters.Reverse,
        ["round"] = NumberFilters.Round,
        ["safe"] = (_, value, arguments) => Plain(arguments, value),
        ["select"] = (rendering, value, arguments) => SelectionFilters.Select(rendering, value, arguments, byAttribute: false, keeps: true),
        ["selectattr"] = (rendering, value, arguments) => SelectionFilters.Select(rendering, value, arguments, byAttribute: true, keeps: true),
        ["sort"] = SortFilters.Sort,
        ["string"] = (rendering, value, arguments) => Plain(arguments, Text(rendering, value)),
        ["sum"] = ListFilters.Sum,
        ["title"] = (rendering, value, arguments) => Plain(arguments, StringCases.TitleOfWords(Text(rendering, value))),
        ["tojson"] = TextFilters.ToJson,
        ["trim"] = TextFilters.Trim,
        ["truncate"] = TextFilters.Truncate,
        ["unique"] = SortFilters.Unique,
        ["upper"] = (rendering, value, arguments) => Plain(arguments, StringCases.Upper(Text(rendering, value))),
        ["wordcount"] = (rendering, value, arguments) => Plain(arguments, TextFilters.Words(Text(rendering, value))),
    };

    /// <summary>Whether there is such a filter.</summary>
    public static bool Has(string name) => All.ContainsKey(name);

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateFault">There is no such filter, or it does not apply.</exception>
    public static object? Apply(string name, Rendering rendering, object? value, Arguments arguments)
    {
        rendering.Budget.Spend();
        return All.TryGetValue(name, out Body? body) ? body(rendering, value, arguments) : throw new TemplateFault($"no filter is named '{name}'");
    }

    /// <summary>A value as text, paid for.</summary>
    public static string Text(Rendering rendering, object? value) => rendering.Budget.Paid(PythonText.Of(value, rendering.Budget));

    private static object? Plain(Arguments arguments, object? result)
    {
        arguments.Bind("the filter");
        return result;
    }

    private static object? Default(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("default", "default_value?", "boolean?");
        bool replaces = value is Undefined || (PythonType.IsTrue(Missing.Or(given[1], false)) && !PythonType.IsTrue(value));
        return replaces ? Missing.Or(given[0], "") : value;
    }

    private static object? Length(Rendering rendering, object? value, Arguments arguments)
    {
        rendering.Budget.Spend(value is string text ? text.Length / 16 : 0);
        return Plain(arguments, new BigInteger(Sequences.Length(value) ?? throw new TemplateFault($"object of type '{PythonType.Of(value)}' has no len()")));
    }
}
