using System.Numerics;

namespace Halo.Text.Templates.Values;

/// <summary>Keys of dictionaries, so that .NET's equality is Python's.</summary>
internal static class TemplateKey
{
    private static readonly object None = new();

    /// <summary>What a value is looked up by.</summary>
    /// <exception cref="TemplateFault">The value cannot be a key.</exception>
    public static object Of(object? key, bool nested = false) => key switch
    {
        null => None,
        string or BigInteger => key,
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        double number when double.IsInteger(number) => new BigInteger(number),
        double => key,
        TemplateList { Kind: ListKind.Tuple, Items.Count: <= 16 } tuple when !nested => Flat(tuple),
        TemplateList or TemplateDictionary => throw new TemplateFault($"unhashable type: '{PythonType.Of(key)}'"),
        _ => key,
    };

    // Tuples within tuples are refused: comparing them could take forever.
    private static (string, int) Flat(TemplateList tuple)
    {
        object[] parts = [.. tuple.Items.Select(item => Of(item, nested: true))];
        return (string.Join('\u0001', parts.Select(part => $"{part.GetType().Name}:{(part == None ? "" : part)}")), parts.Length);
    }
}
