namespace Halo.Evaluation;

/// <summary>Every random choice behind one needle sample.</summary>
/// <param name="Key">What the value is asked by: an adjective and a noun with a hyphen.</param>
/// <param name="Value">Number or uuid.</param>
/// <param name="Depth">Fraction of the haystack before the needle, 0 to 1.</param>
internal sealed record NeedleDraw(string Key, string Value, double Depth)
{
    /// <summary>RULER's number of evenly spaced depths in prose.</summary>
    public const int Depths = 40;

    /// <summary>Depth <paramref name="index"/> of the 40 in percent: round(linspace(0, 100, 40)), ties to even as Python's round.</summary>
    public static int DepthPercent(int index) => (int)Math.Round(index * (100.0 / (Depths - 1)), MidpointRounding.ToEven);

    /// <summary>
    /// The draw of sample <paramref name="index"/> of a task at a length: a function of these four alone, so that any part of the samples can be made again.
    /// Prose takes the 40 depths in blocks of 40 samples, each depth once in a block and in random order, so that heat maps fill evenly; lines take a uniformly random place.
    /// </summary>
    public static NeedleDraw Make(NeedleKind kind, long seed, int length, int index)
    {
        var random = new SeededRandom(seed, kind.Name, length, index);
        string key = NeedleKeys.Draw(random);
        string value = kind.Uuid ? random.Uuid() : (1_000_000 + random.Below(9_000_000)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (!kind.Prose)
        {
            return new NeedleDraw(key, value, random.Unit());
        }

        int[] order = [.. Enumerable.Range(0, Depths)];
        new SeededRandom(seed, kind.Name + "/depths", length, index / Depths).Shuffle(order);
        return new NeedleDraw(key, value, DepthPercent(order[index % Depths]) / 100.0);
    }
}
