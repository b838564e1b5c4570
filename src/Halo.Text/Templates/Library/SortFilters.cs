using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Filters that compare the items of a sequence; unless told otherwise they do not tell capitals from small letters.</summary>
internal static class SortFilters
{
    public static object? Sort(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("sort", "reverse?", "case_sensitive?", "attribute?");
        IReadOnlyList<object?> items = Sequences.Items(value, rendering.Budget);
        Func<object?, object?> key = Key(given[2], given[1]);
        return Sequences.List(Ordered(items, key, given[0], rendering.Budget));
    }

    public static object? OfDictionary(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("dictsort", "case_sensitive?", "by?", "reverse?");
        var dictionary = value as TemplateDictionary ?? throw new TemplateFault("dictsort needs a mapping");
        int side = Missing.Or(given[1], "key") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new TemplateFault("You can only sort by either \"key\" or \"value\""),
        };
        Func<object?, object?> key = Key(Missing.Value, given[0]);
        object?[] pairs = [.. dictionary.Entries.Select(entry => (object?)Sequences.Tuple(entry.Key, entry.Value))];
        return Sequences.List(Ordered(pairs, pair => key(((TemplateList)pair!).Items[side]), given[2], rendering.Budget));
    }

    public static object? Unique(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("unique", "case_sensitive?", "attribute?");
        Func<object?, object?> key = Key(given[1], given[0]);
        var seen = new HashSet<object>();
        return Sequences.Generator(Sequences.Items(value, rendering.Budget).Where(item => seen.Add(TemplateKey.Of(key(item)))), rendering.Budget);
    }

    public static object? Extreme(Rendering rendering, object? value, Arguments arguments, bool greatest)
    {
        object?[] given = arguments.Bind(greatest ? "max" : "min", "case_sensitive?", "attribute?");
        Func<object?, object?> key = Key(given[1], given[0]);
        IReadOnlyList<object?> items = Sequences.Items(value, rendering.Budget);
        if (items.Count == 0)
        {
            return new Undefined("No aggregated item, sequence was empty.");
        }

        object? best = items[0];
        foreach (object? item in items.Skip(1))
        {
            int order = Comparison.Order(key(item), key(best), rendering.Budget);
            best = (greatest ? order > 0 : order < 0) ? item : best;
        }

        return best;
    }

    public static object? Groups(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("groupby", "attribute", "default?", "case_sensitive?");
        Func<object?, object?> key = item => Path.Of(given[0], item, given[1]);
        var groups = new List<object?>();
        foreach (object? item in Ordered(Sequences.Items(value, rendering.Budget), key, false, rendering.Budget))
        {
            object? own = key(item);
            if (groups is [.., TemplateList last] && Comparison.AreEqual(last.Items[0], own, rendering.Budget))
            {
                ((List<object?>)((TemplateList)last.Items[1]!).Items).Add(item);
            }
            else
            {
                groups.Add(Sequences.Tuple(own, new TemplateList(new List<object?> { item })));
            }
        }

        return new TemplateList(groups);
    }

    private static object?[] Ordered(IReadOnlyList<object?> items, Func<object?, object?> key, object? reverse, Budget budget)
    {
        budget.Elements(items.Count);
        bool descends = PythonType.IsTrue(Missing.Or(reverse, false));
        var comparer = Comparer<object?>.Create((left, right) => Comparison.Order(left, right, budget));
        try
        {
            return [.. descends ? items.OrderByDescending(key, comparer) : items.OrderBy(key, comparer)];
        }
        catch (InvalidOperationException error) when (error.InnerException is TemplateFault fault)
        {
            throw fault;
        }
    }

    private static Func<object?, object?> Key(object? attribute, object? caseSensitive)
    {
        bool folds = !PythonType.IsTrue(Missing.Or(caseSensitive, false));
        object? path = Missing.Or(attribute, null);
        return item =>
        {
            object? value = path is null ? item : Path.Of(path, item, Missing.Value);
            return folds && value is string text ? StringCases.Lower(text) : value;
        };
    }
}
