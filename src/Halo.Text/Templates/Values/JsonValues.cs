using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Halo.Text.Templates.Values;

/// <summary>JSON as values of templates: order of keys and the difference of 1 and 1.0 are kept.</summary>
internal static class JsonValues
{
    // As in Python, which refuses more: reading them takes time with the square of their number.
    private const int Digits = 4300;

    /// <summary>The value of a JSON element.</summary>
    /// <exception cref="TemplateFault">It holds half a surrogate pair, or a number without end.</exception>
    public static object? Of(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dictionary = new TemplateDictionary();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    dictionary.Set(Text(() => property.Name), Of(property.Value));
                }

                return dictionary;
            case JsonValueKind.Array:
                return Sequences.List(element.EnumerateArray().Select(Of));
            case JsonValueKind.String:
                return Text(() => element.GetString()!);
            case JsonValueKind.Number:
                return Number(element.GetRawText());
            case JsonValueKind.True or JsonValueKind.False:
                return element.GetBoolean();
            default:
                return null;
        }
    }

    private static object Number(string text)
    {
        if (text.AsSpan().IndexOfAny(".eE") >= 0)
        {
            return double.Parse(text, CultureInfo.InvariantCulture);
        }

        return text.Length <= Digits ? BigInteger.Parse(text, CultureInfo.InvariantCulture) : throw new TemplateFault($"a number has more than {Digits} digits");
    }

    private static string Text(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw new TemplateFault("a text holds half a surrogate pair");
        }
    }
}
