using System.Globalization;
using Halo.Core;

namespace Halo.Cli;

/// <summary>Lists of lengths: <c>1k,4k,16384</c>, 1k being 1,024.</summary>
internal static class LengthList
{
    public static IReadOnlyList<int> Parse(string text) => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(One)];

    private static int One(string text)
    {
        string lower = text.ToLowerInvariant();
        long unit = lower[^1] switch { 'k' => 1024, 'm' => 1024 * 1024, _ => 1 };
        return long.TryParse(unit == 1 ? lower : lower[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count > 0 && count * unit <= int.MaxValue
            ? (int)(count * unit)
            : throw new HaloException($"'{text}' is no length", "--lengths", "write for example 1k,4k,16k");
    }
}
