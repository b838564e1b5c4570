using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>map, select, reject, selectattr, rejectattr.</summary>
internal static class SelectionFilters
{
    public static object? Map(Rendering rendering, object? value, Arguments arguments)
    {
        IReadOnlyList<object?> items = Items(value, rendering.Budget);
        if (arguments.Positional.Count == 0)
        {
            object?[] given = arguments.Bind("map", "attribute", "default?");
            return Sequences.Generator(items.Select(item => Path.Of(given[0], item, given[1])), rendering.Budget);
        }

        string name = PythonType.Text(arguments.Positional[0], "the filter of map");
        Arguments rest = arguments.Skip(1);
        return Sequences.Generator(items.Select(item => Filters.Apply(name, rendering, item, rest)), rendering.Budget);
    }

    public static object? Select(Rendering rendering, object? value, Arguments arguments, bool byAttribute, bool keeps)
    {
        int offset = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < offset)
        {
            throw new TemplateFault("the name of an attribute is missing");
        }

        bool tests = arguments.Positional.Count > offset;
        string name = tests ? PythonType.Text(arguments.Positional[offset], "the test") : "";
        Arguments rest = tests ? arguments.Skip(offset + 1) : Arguments.None;
        return Sequences.Generator(Items(value, rendering.Budget).Where(item =>
        {
            object? tested = byAttribute ? Path.Of(arguments.Positional[0], item, Missing.Value) : item;
            rendering.Budget.Spend();
            return keeps == (tests ? Tests.Apply(name, rendering, tested, rest) : PythonType.IsTrue(tested));
        }), rendering.Budget);
    }

    // What is false has no items, even where it could not be iterated.
    private static IReadOnlyList<object?> Items(object? value, Budget budget) => PythonType.IsTrue(value) ? Sequences.Items(value, budget) : [];
}
