namespace Halo.Text.Templates.Values;

/// <summary>Values as sequences.</summary>
internal static class Sequences
{
    /// <summary>What a loop over a value goes through.</summary>
    /// <exception cref="TemplateFault">The value cannot be iterated.</exception>
    public static IReadOnlyList<object?> Items(object? value, Budget budget)
    {
        switch (value)
        {
            case TemplateList list:
                budget.Spend();
                return list.Items;
            case TemplateDictionary dictionary:
                budget.Elements(dictionary.Count);
                return [.. dictionary.Entries.Select(entry => entry.Key)];
            case string text:
                budget.Elements(text.Length);
                return [.. PythonCharacters.Each(text)];
            case Undefined:
                return [];
            case LoopContext loop:
                return loop.Rest();
            default:
                throw new TemplateFault($"'{PythonType.Of(value)}' object is not iterable");
        }
    }

    /// <summary>Whether a value can be iterated.</summary>
    public static bool CanIterate(object? value) => value is TemplateList or TemplateDictionary or string or Undefined or LoopContext;

    /// <summary>Length, null for what has none.</summary>
    public static int? Length(object? value) => value switch
    {
        string text => PythonCharacters.Length(text),
        TemplateList { HasLength: true } list => list.Items.Count,
        TemplateDictionary dictionary => dictionary.Count,
        Undefined => 0,
        _ => null,
    };

    /// <summary>A list of values that are already paid for.</summary>
    public static TemplateList List(IEnumerable<object?> items) => new([.. items]);

    public static TemplateList Tuple(params object?[] items) => new(items, ListKind.Tuple);

    public static TemplateList Generator(IEnumerable<object?> items, Budget budget)
    {
        object?[] all = [.. items];
        budget.Elements(all.Length);
        return new(all, ListKind.Generator);
    }
}
