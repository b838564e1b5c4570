namespace Halo.Evaluation;

/// <summary>Text around a needle, counted in units (lines or words).</summary>
internal interface IHaystack
{
    /// <summary>Units available; <see cref="int.MaxValue"/> where the text repeats.</summary>
    int MaximumUnits { get; }

    /// <summary>The first <paramref name="units"/> units with the needle put in at <paramref name="place"/>.</summary>
    /// <param name="units">Lines or words, without the needle.</param>
    /// <param name="place">What the haystack's own <c>Place</c> function gave: a line index or a character offset.</param>
    /// <param name="needle">The needle's sentence.</param>
    string Insert(int units, int place, string needle);

    /// <summary>Where a needle of the given depth goes.</summary>
    /// <param name="units">Lines or words.</param>
    /// <param name="depth">Fraction of the text before the needle, 0 to 1.</param>
    int Place(int units, double depth);
}
