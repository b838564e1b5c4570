using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Attributes and elements of values. Only what stands here can be reached: nothing of .NET can.</summary>
internal static class Members
{
    private static readonly HashSet<string> Changing = new(StringComparer.Ordinal)
    {
        "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem",
    };

    /// <summary><c>owner.name</c>.</summary>
    public static object? Attribute(object? owner, string name) =>
        owner is Undefined undefined ? throw undefined.Fault
        : Method(owner, name) is { } method ? method
        : owner is TemplateDictionary dictionary && dictionary.TryGet(name, out object? value) ? value
        : Own(owner, name);

    /// <summary><c>owner[key]</c>.</summary>
    public static object? Element(object? owner, object? key)
    {
        switch (owner)
        {
            case Undefined undefined:
                throw undefined.Fault;
            case TemplateDictionary dictionary when key is not TemplateList and not TemplateDictionary && dictionary.TryGet(key, out object? value):
                return value;
            case TemplateList { HasIndex: true } list when PythonType.Integer(key) is { } index:
                return Place(index, list.Items.Count) is { } place ? list.Items[place] : Undefined.Attribute(owner, key);
            case string text when PythonType.Integer(key) is { } index:
                return Place(index, PythonCharacters.Length(text)) is { } at ? PythonCharacters.Slice(text, at, 1) : Undefined.Attribute(owner, key);
        }

        return key is not string name ? Undefined.Attribute(owner, key) : Method(owner, name) ?? Own(owner, name);
    }

    private static object? Own(object? owner, string name) => owner switch
    {
        LoopContext loop => loop.Attribute(name),
        TemplateNamespace space when space.Attributes.TryGet(name, out object? value) => value,
        TemplateFunction function when name == "name" => function.Name,
        _ => Undefined.Attribute(owner, name),
    };

    private static object? Method(object? owner, string name) => owner switch
    {
        string text => StringMethods.Find(text, name),
        TemplateDictionary dictionary => OfDictionary(dictionary, name),
        TemplateList { Kind: ListKind.List or ListKind.Tuple } list => OfList(list, name),
        double number when name == "is_integer" => Function(name, (_, arguments) => None(name, arguments, double.IsInteger(number))),
        _ => null,
    };

    private static object? OfDictionary(TemplateDictionary dictionary, string name) => name switch
    {
        "get" => Function(name, (_, arguments) =>
        {
            object?[] given = arguments.Bind(name, "key", "default?");
            return dictionary.TryGet(given[0], out object? value) ? value : Missing.Or(given[1], null);
        }),
        "items" => View(name, dictionary, ListKind.Items, entry => Sequences.Tuple(entry.Key, entry.Value)),
        "keys" => View(name, dictionary, ListKind.Keys, entry => entry.Key),
        "values" => View(name, dictionary, ListKind.Values, entry => entry.Value),
        "copy" => Function(name, (_, arguments) => None(name, arguments, dictionary)),
        _ => Changing.Contains(name) && name is "pop" or "clear" or "update" or "setdefault" or "popitem" ? Unsafe(name, "dict") : null,
    };

    private static object? OfList(TemplateList list, string name) => name switch
    {
        "count" => Function(name, (rendering, arguments) =>
        {
            object? sought = arguments.Bind(name, "value")[0];
            return new BigInteger(list.Items.Count(item => Comparison.AreEqual(item, sought, rendering.Budget)));
        }),
        "index" => Function(name, (rendering, arguments) =>
        {
            object? sought = arguments.Bind(name, "value")[0];
            int place = 0;
            while (place < list.Items.Count && !Comparison.AreEqual(list.Items[place], sought, rendering.Budget))
            {
                place++;
            }

            return place < list.Items.Count ? new BigInteger(place) : throw new TemplateFault("the value is not in the list");
        }),
        "copy" when list.Kind == ListKind.List => Function(name, (_, arguments) => None(name, arguments, list)),
        _ => list.Kind == ListKind.List && Changing.Contains(name) ? Unsafe(name, "list") : null,
    };

    private static TemplateFunction View(string name, TemplateDictionary dictionary, ListKind kind, Func<KeyValuePair<object?, object?>, object?> part) =>
        Function(name, (rendering, arguments) =>
        {
            rendering.Budget.Elements(dictionary.Count);
            return None(name, arguments, new TemplateList([.. dictionary.Entries.Select(part)], kind));
        });

    private static TemplateFunction Function(string name, Func<Rendering, Arguments, object?> body) => new(name, body);

    private static object? None(string name, Arguments arguments, object? result)
    {
        arguments.Bind(name);
        return result;
    }

    private static Undefined Unsafe(string name, string type) => new($"access to '{name}' of a {type} is refused: templates cannot change values");

    private static int? Place(BigInteger index, int count)
    {
        BigInteger place = index.Sign < 0 ? index + count : index;
        return place.Sign >= 0 && place < count ? (int)place : null;
    }
}
