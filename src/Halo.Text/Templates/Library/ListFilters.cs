using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Filters on sequences.</summary>
internal static class ListFilters
{
    public static object? Last(Rendering rendering, object? value, Arguments arguments)
    {
        arguments.Bind("last");
        return value is TemplateList { Kind: ListKind.Generator }
            ? throw new TemplateFault("'generator' object is not reversible")
            : Sequences.Items(value, rendering.Budget) is [.., var last] ? last : new Undefined("No last item, sequence was empty.");
    }

    public static object? Reverse(Rendering rendering, object? value, Arguments arguments)
    {
        arguments.Bind("reverse");
        IEnumerable<object?> reversed = Sequences.Items(value, rendering.Budget).Reverse();
        return value is string ? string.Concat(reversed) : Sequences.Generator(reversed, rendering.Budget);
    }

    public static object? Join(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("join", "d?", "attribute?");
        string separator = Filters.Text(rendering, Missing.Or(given[0], ""));
        object? attribute = Missing.Or(given[1], null);
        string[] texts = [.. Sequences.Items(value, rendering.Budget).Select(item => Filters.Text(rendering, attribute is null ? item : Path.Of(attribute, item, Missing.Value)))];
        rendering.Budget.Characters(texts.Sum(text => (long)text.Length) + ((long)separator.Length * texts.Length));
        return string.Join(separator, texts);
    }

    public static object? Items(Rendering rendering, object? value, Arguments arguments)
    {
        arguments.Bind("items");
        return value switch
        {
            Undefined => Sequences.Generator([], rendering.Budget),
            TemplateDictionary dictionary => Sequences.Generator(dictionary.Entries.Select(entry => (object?)Sequences.Tuple(entry.Key, entry.Value)), rendering.Budget),
            _ => throw new TemplateFault("Can only get item pairs from a mapping."),
        };
    }

    public static object? Sum(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("sum", "attribute?", "start?");
        object? attribute = Missing.Or(given[0], null);
        object? sum = Missing.Or(given[1], BigInteger.Zero);
        foreach (object? item in Sequences.Items(value, rendering.Budget))
        {
            sum = sum is string ? throw new TemplateFault("sum() can't sum strings") : Arithmetic.Apply("+", sum, attribute is null ? item : Path.Of(attribute, item, Missing.Value), rendering.Budget);
        }

        return sum;
    }

    public static object? Batch(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("batch", "linecount", "fill_with?");
        int size = Math.Max(1, PythonType.Int(given[0], "linecount"));
        object? fill = Missing.Or(given[1], null);
        IReadOnlyList<object?> items = Sequences.Items(value, rendering.Budget);
        rendering.Budget.Elements(items.Count + (fill is null ? 0L : size));
        var rows = new List<object?>();
        for (int start = 0; start < items.Count; start += size)
        {
            int count = Math.Min(size, items.Count - start);
            IEnumerable<object?> row = Enumerable.Range(start, count).Select(i => items[i]);
            rows.Add(Sequences.List(fill is null ? row : row.Concat(Enumerable.Repeat(fill, size - count))));
            if (size > items.Count - start)
            {
                break;
            }
        }

        return new TemplateList(rows, ListKind.Generator);
    }
}
