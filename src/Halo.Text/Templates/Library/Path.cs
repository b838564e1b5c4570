using System.Globalization;
using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Attributes that filters are given by name: <c>a.b.0</c>.</summary>
internal static class Path
{
    /// <summary>What stands at a path within an item; <paramref name="fallback"/>, unless it is missing, takes the place of what is undefined on the way.</summary>
    public static object? Of(object? path, object? item, object? fallback)
    {
        foreach (object? part in Parts(path))
        {
            item = Members.Element(item, part);
            if (item is Undefined)
            {
                item = Missing.Or(fallback, item);
            }
        }

        return item;
    }

    private static IEnumerable<object?> Parts(object? path) => path is string text
        ? text.Split('.').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? (object?)new BigInteger(index) : part)
        : [path];
}
