using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Synthetic recall documents: what they look like.</summary>
public sealed record RecallOptions
{
    /// <summary>Shortest document aimed at, tokens.</summary>
    public int MinDocument { get; init; } = 64;

    /// <summary>Longest document aimed at, tokens; lengths are log-uniform, and never longer than what is left of a row.</summary>
    public int MaxDocument { get; init; } = 512;

    /// <summary>Share of key-value lists with questions.</summary>
    public double Lists { get; init; } = 0.4;

    /// <summary>Share of needles in repeated lines, in invented sentences and in prose of the corpus.</summary>
    public double Needles { get; init; } = 0.4;

    /// <summary>Share of random sequences that are said again.</summary>
    public double Copies { get; init; } = 0.2;

    /// <summary>Needles a document hides at most.</summary>
    public int MaxNeedles { get; init; } = 6;

    /// <summary>Checks the values.</summary>
    /// <exception cref="HaloException">One is impossible.</exception>
    public void Validate(string where)
    {
        if (MinDocument < 16 || MaxDocument < MinDocument)
        {
            throw new HaloException($"min_document is {MinDocument}, max_document is {MaxDocument}", where, "give 16 <= min_document <= max_document");
        }

        if (!(Lists >= 0) || !(Needles >= 0) || !(Copies >= 0) || !(Lists + Needles + Copies > 0) || MaxNeedles < 1)
        {
            throw new HaloException("lists, needles and copies must be shares of which one is above 0, max_needles at least 1", where, "mend the recipe");
        }
    }
}
